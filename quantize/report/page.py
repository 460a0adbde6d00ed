"""Rendering of the report: one page of HTML that needs nothing else, and Markdown with its drawings beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from quantize.report.parts import Plots, Section, Table


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands above all parts, and below: how the page was ``made``."""

    title: str
    lead: str
    made: str


REPORT_HEADING = Heading(
    title="affectd: how good the models are",
    lead="Small nets that read the expression of a face and the sound of a voice on a Raspberry Pi. They tell how "
    "something looks and sounds, not what a person feels. Figures are made by the commands named at the end; "
    "brackets hold 95 % intervals, and what has not been measured says so.",
    made="Made by `python -m quantize report`; the figures themselves are in docs/measured and in the models' cards.",
)
_STYLE = (
    "<style>svg{color:#1d232a;--muted:#5d6873;--line:#d5dbe1;--paper:#fff;font-family:system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){svg{color:#e4e8ec;--muted:#9aa6b2;--line:#39424b;--paper:#14181c}}</style>"
)
"""For drawings that stand alone, in Markdown: the page has the same colours in its own style."""


def html(sections: Sequence[Section], heading: Heading = REPORT_HEADING) -> str:
    """The page."""
    # Our own drawings are the only markup that is not text; all else is escaped.
    filters = {"drawing": lambda plot: Markup(plot.svg), "worded": _worded}
    return (
        _environment(filters, autoescape=True).get_template("report.html.j2").render(heading=heading, sections=sections)
    )


def markdown(sections: Sequence[Section], folder: str, heading: Heading = REPORT_HEADING) -> str:
    """The same in Markdown; drawings are ``FOLDER/<name>.svg``."""
    template = _environment({"escaped": _escaped, "worded": escape}).get_template("report.md.j2")
    return template.render(heading=heading, sections=sections, folder=folder)


def _environment(filters: Mapping[str, Callable[[Any], str]], *, autoescape: bool = False) -> Environment:
    loader = PackageLoader("quantize.report", "")
    environment = Environment(loader=loader, autoescape=autoescape, undefined=StrictUndefined, trim_blocks=True)
    environment.tests["table"] = lambda shown: isinstance(shown, Table)
    environment.filters |= filters
    return environment


def _worded(text: str) -> Markup:
    """Text in which `code` is code."""
    parts = [escape(part) for part in text.split("`")]
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))


def svg_files(sections: Sequence[Section]) -> dict[str, str]:
    """The files that the Markdown shows: SVG by name."""
    panels = [p for s in sections for shown in s.content.shown if isinstance(shown, Plots) for p in shown.panels]
    return {f"{panel.name}.svg": panel.svg.replace(">", f">{_STYLE}", 1) + "\n" for panel in panels}


def _escaped(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]").replace("*", "\\*")
