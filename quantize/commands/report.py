"""``python -m quantize report`` and ``describe``."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from device.errors import AffectdError
from quantize.commands.studies import measured
from quantize.files import write_file
from quantize.studies.registry import studies
from quantize.studies.study import MEASURED, StudyState
from quantize.training.shipped import CROSS_VALIDATION_FOLDER, MODELS_FOLDER

OUT = Path("docs")
_NAME = "report"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare both commands."""
    parser = commands.add_parser(
        _NAME, help="write the report from what is measured; with --root measure the rest first"
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="the folder that holds the corpora: measure, too")
    parser.add_argument("--again", action="store_true", help="with --root: measure what is up to date, too")
    parser.add_argument("--check", action="store_true", help="write nothing; fail if figures are missing or old")
    parser.add_argument("--models", type=Path, default=MODELS_FOLDER, metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--cross-validation",
        "--witnesses",
        type=Path,
        default=CROSS_VALIDATION_FOLDER,
        metavar="DIR",
        help="default: %(default)s",
    )
    parser.add_argument("--measured", type=Path, default=MEASURED, metavar="DIR", help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=OUT, metavar="DIR", help="default: %(default)s")
    parser.set_defaults(command=run)
    parser = commands.add_parser("describe", help="write MODEL_CARD.md from the models' cards")
    parser.add_argument("--out", type=Path, default=MODELS_FOLDER, help="the folder of the models")
    parser.set_defaults(command=describe)


def describe(options: argparse.Namespace) -> None:
    """Write the page of the models."""
    from quantize.report.model_card import model_card

    write_file(options.out / "MODEL_CARD.md", model_card(options.out).encode())


def run(options: argparse.Namespace) -> None:
    """Measure if asked, then check or render. Raises ``AffectdError`` if a study failed or a check did."""
    failed = _measure(options) if options.root else []
    if options.check:
        _check(options)
    else:
        _render(options, failed)
    if failed:
        raise AffectdError(f"{len(failed)} studies could not be made: {', '.join(failed)}; the report says so")


def _measure(options: argparse.Namespace) -> list[str]:
    """Make what is missing or old; the names of the studies that could not be made."""
    console, failed = Console(soft_wrap=True), []
    every = studies(options.models, options.cross_validation)
    wanted = [study for study in every if options.again or study.state(options.measured) is not StudyState.CURRENT]
    for number, study in enumerate(wanted, 1):
        console.print(f"{number} of {len(wanted)}: {study.command}", highlight=False, markup=False)
        try:
            study.keep(measured([*study.arguments, "--root", str(options.root)]), options.measured)
        except AffectdError as error:
            console.print(f"  not made: {error}", highlight=False, markup=False)
            failed.append(study.name)
    return failed


def _check(options: argparse.Namespace) -> None:
    from quantize.report.results import read_results
    from quantize.report.sections import missing_or_old

    lines = list(missing_or_old(read_results(options.models, options.measured, options.cross_validation)))
    for line in lines:
        Console(soft_wrap=True).print(line, highlight=False, markup=False)
    if lines:
        raise AffectdError(f"{len(lines)} studies are missing or old; run python -m quantize report --root DATA")


def _render(options: argparse.Namespace, failed: list[str]) -> None:
    from quantize.report.files import write_report
    from quantize.report.results import read_results
    from quantize.report.sections import sections

    parts = sections(read_results(options.models, options.measured, options.cross_validation, failed))
    page = write_report(parts, options.out, _NAME)
    Console(soft_wrap=True).print(f"{page} ({page.stat().st_size / 1e6:.1f} MB) and {page.with_suffix('.md')}")
