"""A report's files: the page, the Markdown, and the drawings that the Markdown shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from device.errors import AffectdError
from quantize.files import write_file
from quantize.report.page import REPORT_HEADING, Heading, html, markdown, svg_files
from quantize.report.parts import Section


def write_report(sections: Sequence[Section], out: Path, name: str, heading: Heading = REPORT_HEADING) -> Path:
    """Write ``out/NAME.html``, which is returned, ``NAME.md`` and ``NAME/*.svg``. Raises ``AffectdError``."""
    folder = out / name
    make_folder(folder)
    shown = svg_files(sections)
    for file, svg in shown.items():
        write_file(folder / file, svg.encode())
    _remove_others(folder, list(shown))
    write_file(out / f"{name}.md", markdown(sections, name, heading).encode())
    page = out / f"{name}.html"
    write_file(page, html(sections, heading).encode())
    return page


def write_json(path: Path, figures: Any) -> None:
    """Write figures, a dataclass or what JSON has, for programs to read. Raises ``AffectdError``."""
    text = asdict(figures) if is_dataclass(figures) and not isinstance(figures, type) else figures
    write_file(path, (json.dumps(text, indent=1, ensure_ascii=False) + "\n").encode())


def make_folder(folder: Path) -> None:
    """Make sure that it is there. Raises ``AffectdError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AffectdError(f"{folder}: cannot be made ({error.strerror}); choose another --out") from error


def _remove_others(folder: Path, names: Sequence[str]) -> None:
    """Drawings that no report shows any more."""
    for path in folder.glob("*.svg"):
        if path.name not in names:
            path.unlink()
