"""``python -m desktop_server.faithfulness --root DATA``: measure how true the explanations are."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from desktop_server.comparison.sides import both_sides
from desktop_server.faithfulness.study import FAITHFULNESS_PROTOCOL, NetFigures, compare_explanations
from device.models.sets import list_sets, models_folder
from device.process.program import run_program
from quantize.evaluation.bootstrap import Figure
from quantize.report.files import write_json

FIGURES = Path("docs/explanations.json")


def main() -> int:
    """Measure the float nets of every set, print, and write."""
    parser = argparse.ArgumentParser(prog="python -m desktop_server.faithfulness", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the folder that holds the corpora")
    parser.add_argument("--samples", type=int, default=60, help="of each net; default: %(default)s")
    parser.add_argument("--json", type=Path, default=FIGURES, metavar="OUT", help="default: %(default)s")
    options = parser.parse_args()
    found = _measured(options.root, options.samples)
    figures = {"protocol": FAITHFULNESS_PROTOCOL, "nets": [asdict(own) for own in found]}
    write_json(options.json, figures)
    return 0


def _measured(root: Path, samples: int) -> list[NetFigures]:
    found = []
    for name in list_sets(models_folder()):
        _, full = both_sides(name, "cpu")  # the server explains what its float nets say
        for own in compare_explanations(full, root, samples=samples):
            Console().print(_table(own))
            found.append(own)
    return found


def _table(own: NetFigures) -> Table:
    table = Table(title=f"{own.model}, {own.samples} samples; served: {own.served}")
    for heading in ("method", "deletion", "insertion", "gap", "tenth", "served leads by", "ms"):
        table.add_column(heading)
    for method in own.methods:
        shares = (
            f"{method.deletion:.3f}",
            f"{method.insertion:.3f}",
            _interval(method.gap),
            _interval(method.tenth),
            _interval(method.lead),
        )
        table.add_row(method.method, *shares, f"{method.ms:.0f}")
    return table


def _interval(figure: Figure | None) -> str:
    return f"{figure.value:+.3f} [{figure.low:+.3f}, {figure.high:+.3f}]" if figure else "–"


if __name__ == "__main__":
    sys.exit(run_program("faithfulness", main, extra="compare"))
