# ruff: noqa: D103 - test names are sentences
"""The built site: whole, and without anything that a browser would fetch from another host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

SITE = Path(__file__).resolve().parents[2] / "build" / "docs"
PAGES = sorted(SITE.rglob("*.html"))
FETCHED = {"src", "srcset", "poster", "data"}
"""Attributes that a browser follows without a click; beside them, ``href`` of a ``link``."""


class Links(HTMLParser):
    """What a page fetches and where it leads."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.followed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Sort the addresses of one tag."""
        for name, value in attrs:
            if value and (name in FETCHED or (tag == "link" and name == "href")):
                self.fetched.append(value)
            elif value and name == "href":
                self.followed.append(value)


def links(page: Path) -> Links:
    found = Links()
    found.feed(page.read_text(encoding="utf-8"))
    return found


def test_there_is_a_site() -> None:
    assert len(PAGES) > 30
    assert (SITE / "index.html").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(SITE)))
def test_a_page_fetches_nothing_from_another_host_and_leads_to_files_that_are_there(page: Path) -> None:
    found = links(page)
    assert [address for address in found.fetched if "//" in address and not address.startswith("data:")] == []
    local = [urlsplit(one) for one in (*found.fetched, *found.followed) if not one.startswith("data:")]
    lost = [
        one.geturl()
        for one in local
        if not one.scheme and one.path and not (page.parent / unquote(one.path)).resolve().exists()
    ]
    assert lost == []


def test_no_style_fetches_from_another_host() -> None:
    styles = {path: path.read_text(encoding="utf-8") for path in SITE.rglob("*.css")}
    assert styles
    fetching = re.compile(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""")
    assert [path for path, text in styles.items() if fetching.search(text)] == []
