"""The set that ships against the published one, tested on the same samples."""

from __future__ import annotations

from quantize.made_of import Json
from quantize.report.parts import Content, Table
from quantize.report.results import Results
from quantize.report.wording import NONE, chance, change, percent

_COLUMNS = [
    "file, answer",
    "than",
    "corpus",
    "samples",
    "unread by it / than / both",
    "accuracy %",
    "than %",
    "difference, points",
    "right alone",
    "McNemar p",
    "t / Wilcoxon p",
]


def content(results: Results) -> Content:
    """A row a file and corpus."""
    rows = [_row(found) for _, found in results.of("against")]
    caption = (
        "The difference with its 95 % interval, over pictures for faces and over actors for speech. 'Right alone': "
        "samples that only the one / only the other has right. What neither reads is left out."
    )
    return Content(shown=[Table(caption, _COLUMNS, rows)] if rows else [])


def _row(found: Json) -> list[str]:
    paired, own, than = found["paired"], found["model"], found["than"]
    by_actor = f"{chance(paired['t_p'])} / {chance(paired['wilcoxon_p'])}"
    return [
        _asked(own),
        _asked(than),
        own["part"]["dataset"],
        f"{paired['samples']:,}",
        f"{own['without_reading']} / {than['without_reading']} / {found['neither_reads']}",
        percent(paired["second_accuracy"]),
        percent(paired["first_accuracy"]),
        change(paired["accuracy_difference"]),
        f"{paired['only_second_right']:,} / {paired['only_first_right']:,}",
        chance(paired["mcnemar_p"]),
        by_actor if found["kind"] == "speech" else NONE,
    ]


def _asked(side: Json) -> str:
    return f"{side['part']['model']} ({side['part']['sha256'][:8]}), {side['answer']}"
