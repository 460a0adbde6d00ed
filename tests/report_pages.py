"""The report as a page, made from figures for a test."""

import re
from html.parser import HTMLParser
from pathlib import Path

from quantize.studies.registry import studies
from quantize.studies.study import Study

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"


class Page(HTMLParser):
    """What a browser would open and show; every tag must be closed in order."""

    VOID = ("meta", "link", "img", "br")

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []
        self.asked_for: list[str] = []
        self.shown: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.opened += [] if tag in self.VOID else [tag]
        self.asked_for += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "data")]

    def handle_endtag(self, tag: str) -> None:
        assert self.opened.pop() == tag

    def handle_data(self, data: str) -> None:
        self.shown.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.shown))


def page_of(text: str) -> Page:
    page = Page()
    page.feed(text)
    page.close()
    return page


def own_studies(tmp_path: Path) -> tuple[Study, ...]:
    return studies(MODELS, tmp_path / "cross_validation")


def options(tmp_path: Path, *more: str) -> list[str]:
    folders = (
        "--models",
        MODELS,
        "--cross-validation",
        tmp_path / "cross_validation",
        "--measured",
        tmp_path,
        "--out",
        tmp_path,
    )
    return [*map(str, folders), *more]
