"""``affectd-server compare``: what int8 costs, on recordings or on a corpus."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from device.config.settings import FusionSettings, NodeSettings, Settings
from device.errors import AffectdError
from device.process.extras import missing_library

if TYPE_CHECKING:
    from desktop_server.comparison.result import Comparison
    from quantize.report.parts import Section

_NAME = "comparison"


def run(options: argparse.Namespace) -> int:
    """Compare, print, and write JSON, Markdown and a page where ``--out`` says. Raises ``AffectdError``."""
    _require_one_input(options)
    try:
        if options.out:
            _require_folder(options.out)
        result = _compared(options)
        _print(result)
        if options.out:
            _write(options.out, result)
    except ModuleNotFoundError as error:
        raise missing_library(error, extra="compare") or error from error
    return 0


def _require_one_input(options: argparse.Namespace) -> None:
    if bool(options.media) == bool(options.dataset):
        raise AffectdError("compare on recordings or on a corpus: name files, or --dataset NAME with --root DIR")
    if options.dataset and not options.root:
        raise AffectdError(f"--dataset {options.dataset}: where is it? name the folder that holds it with --root DIR")


def _require_folder(out: Path) -> None:
    """Before anything is computed."""
    from quantize.report.files import make_folder

    make_folder(out)


def _compared(options: argparse.Namespace) -> Comparison:
    from desktop_server.comparison import cost
    from desktop_server.comparison.corpus import compare_corpus, dataset_called
    from desktop_server.comparison.recording import compare_media
    from desktop_server.comparison.result import SCHEMA, Comparison
    from desktop_server.comparison.sides import both_sides, summarized

    int8, full = both_sides(options.model_set, options.provider)
    corpus = media = None
    if options.dataset:
        corpus = compare_corpus(dataset_called(options.dataset, options.mode), options.root, int8, full)
        kinds: tuple[str, ...] = (corpus.kind,)
    else:
        media = compare_media(options.media, _settings(options), int8, full, rate_hz=options.rate)
        kinds = tuple(kind for kind in ("face", "speech") if kind in media.agreement)
    return Comparison(
        schema=SCHEMA,
        version=version("affectd"),
        model_set=int8.models.name,
        int8=summarized(int8, kinds),
        float32=summarized(full, kinds),
        corpus=corpus,
        media=media,
        cost=cost.measure_cost(int8, full, kinds, options.provider),
    )


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(node=NodeSettings(id="compare", mode=options.mode), fusion=FusionSettings(rule=options.fusion))


def _print(result: Comparison) -> None:
    from rich.console import Console
    from rich.markdown import Markdown

    from desktop_server.comparison.sections import comparison_sections, heading
    from quantize.report.page import markdown

    Console().print(Markdown(markdown(_without_drawings(comparison_sections(result)), _NAME, heading(result))))


def _without_drawings(parts: Sequence[Section]) -> list[Section]:
    from quantize.report.parts import Table

    kept = {part.id: [shown for shown in part.content.shown if isinstance(shown, Table)] for part in parts}
    return [replace(part, content=replace(part.content, shown=kept[part.id])) for part in parts if kept[part.id]]


def _write(folder: Path, result: Comparison) -> None:
    from rich.console import Console

    from desktop_server.comparison.sections import comparison_sections, heading
    from quantize.report.files import write_json, write_report

    page = write_report(comparison_sections(result), folder, _NAME, heading(result))
    write_json(page.with_suffix(".json"), result)
    Console(soft_wrap=True).print(f"{page}, {page.with_suffix('.md')} and {page.with_suffix('.json')}")
