"""``affectd-server read``: a folder of pictures, recordings and films as a table of numbers."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.progress import track

from desktop_server.analysis.folder import FileResult, ReadOptions, media_files, read_files
from desktop_server.app import build_deps
from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.rows import COLUMNS, rows
from desktop_server.settings import EngineSettings, FleetSettings, Limits, ServerSettings, worker_count
from desktop_server.wiring.nets import local_engine
from device.config.settings import CameraSettings, ModelsSettings
from device.errors import AffectdError

LIMITS = Limits(media_s=86_400.0, work_s=86_400.0, decode_mib=1024.0)
"""Those of a server are made for strangers' files; these are one's own."""

Write = Callable[[str, AnalysisResponse], None]
"""Takes a file's name in the folder, and its answer."""


def run(options: argparse.Namespace) -> int:
    """Read every file, write what each answer has, and name those that cannot be read. Raises ``AffectdError``."""
    out = options.csv or options.json
    paths = media_files(options.folder, leave_out=[out] if out else [])
    with ExitStack() as opened:
        write = opened.enter_context(_opened_table(options.csv, options.json))
        unread = _read(options, paths, write)
    if len(unread) == len(paths):
        raise AffectdError(
            f"{options.folder}: none of {_counted(len(paths))} can be read; what is wrong with each stands above"
        )
    if unread:
        print(f"{len(unread)} of {_counted(len(paths))} left out, named above", file=sys.stderr)
    return 0


def _read(options: argparse.Namespace, paths: Sequence[Path], write: Write) -> list[FileResult]:
    """Those that could not be read."""
    settings = _settings(options)
    deps = build_deps(settings, local_engine(settings))
    try:
        chosen = ReadOptions(options.mode, options.fusion or deps.info.fusion, options.crop, options.turn)
        results = read_files(paths, deps.service, chosen, threads=worker_count(settings))
        unread = []
        for result in _with_progress(results, len(paths)):
            name = _name(result.path, options.folder)
            if result.answer is None:
                unread.append(result)
                print(f"{name}: {result.problem}", file=sys.stderr)
            else:
                write(name, result.answer)
        return unread
    finally:
        deps.close()


def _settings(options: argparse.Namespace) -> ServerSettings:
    return ServerSettings(
        models=ModelsSettings(set=options.model_set),
        camera=CameraSettings(rate_hz=options.rate or CameraSettings().rate_hz),
        engine=EngineSettings(provider=options.provider),
        fleet=FleetSettings(listen=False),
        limits=LIMITS,
    )


def _with_progress(results: Iterator[FileResult], total: int) -> Iterator[FileResult]:
    """Shown on standard error where that is a terminal."""
    console = Console(stderr=True)
    yield from track(results, "reading", total, console=console, transient=True, disable=not console.is_terminal)


def _name(path: Path, folder: Path) -> str:
    """As it is called in the folder; bytes that are no UTF-8 are written out."""
    return path.relative_to(folder).as_posix().encode(errors="backslashreplace").decode()


@contextmanager
def _opened_table(csv_file: Path | None, json_file: Path | None) -> Iterator[Write]:
    if json_file:
        with _opened(json_file) as file:
            yield lambda name, answer: _write_json(file, name, answer)
    elif csv_file:
        with _opened(csv_file) as file:
            yield _csv_writer(file)
    else:
        yield _csv_writer(sys.stdout)


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise AffectdError(f"{path}: cannot be written ({error.strerror}); name a file in a folder that can") from error
    with file:
        yield file


def _csv_writer(file: TextIO) -> Write:
    table = csv.writer(file)
    table.writerow(COLUMNS)
    return lambda name, answer: table.writerows(rows(answer, file=name))


def _write_json(file: TextIO, name: str, answer: AnalysisResponse) -> None:
    """A line a file."""
    told = {"file": name, "answer": answer.model_dump(mode="json", by_alias=True)}
    file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _counted(number: int) -> str:
    return f"{number} file{'' if number == 1 else 's'}"
