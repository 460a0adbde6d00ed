"""Manual pages and shell completions of both commands, from their argument parsers.

    python deploy/manuals/write.py

They are committed, so that whoever builds a package needs none of the tools: argparse-manpage and shtab.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from desktop_server.cli import server_parser
from device.cli import device_parser

HERE = Path(__file__).parent
COLUMNS = 80
SHELLS = {"bash": "{}.bash", "zsh": "_{}"}
"""By shell how the file of a command is called."""


def texts() -> Mapping[str, str]:
    """Each file's text by its name."""
    os.environ["COLUMNS"] = str(COLUMNS)  # argparse folds its lines to the terminal's
    written: dict[str, str] = {}
    for parser in (device_parser(), server_parser()):
        written[f"{parser.prog}.1"] = _manual(parser)
        _complete_paths(parser)
        for shell, name in SHELLS.items():
            written[name.format(parser.prog)] = shtab.complete(parser, shell)
    return written


def _manual(parser: argparse.ArgumentParser) -> str:
    page = Manpage(parser)
    # Without a date: the page is as old as its text, which the repository knows.
    page.date, page.source, page.manual = "", f"affectd {version('affectd')}", "affectd"
    page.description = (parser.description or "").rstrip(".").lower()
    rest = (HERE / f"{parser.prog}.sections").read_text(encoding="utf-8")
    return f"{page}\n{rest}"


def _complete_paths(parser: argparse.ArgumentParser) -> None:
    """Say of each argument that is a path that paths complete it."""
    for action in _actions(parser):
        if action.type is Path:
            is_folder = action.metavar in ("FOLDER", "DIR")
            action.complete = shtab.DIRECTORY if is_folder else shtab.FILE  # type: ignore[attr-defined]  # shtab's way


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _actions(child)


def main() -> int:
    """Write all files beside this one."""
    for name, text in texts().items():
        (HERE / name).write_text(text, encoding="utf-8")
        print(HERE / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
