"""What README.md and its pages state is so: figures, links, and the error sentences of docs/troubleshooting.md."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "deploy").rglob("*.md")]
    + [page for folder in ("docs", "models_tflite") for page in (ROOT / folder).glob("*.md")]
)
FOREIGN = ("http://", "https://", "mailto:")


def test_the_pages_state_what_cards_benchmark_and_contract_state() -> None:
    command = [sys.executable, str(ROOT / "deploy" / "readme.py"), "--check"]
    assert subprocess.run(command, timeout=120).returncode == 0, "run: make figures"


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 90


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if link.startswith(FOREIGN):
            continue
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def anchors(page: Path) -> set[str]:
    """Of its headings, as GitHub and MyST make them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_each_sentence_of_troubleshooting_is_one_of_the_tree() -> None:
    known = "\n".join(literals())
    tables = re.findall(
        r"\| it says .*?\n\|---.*?\n((?:\|.*\n)+)", (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    )
    quoted = [found for table in tables for found in re.findall(r"^\| `([^`]*)`", table, re.MULTILINE)]
    assert len(quoted) > 30
    assert [sentence for sentence in quoted if sentence not in known] == []


def literals() -> Iterator[str]:
    """Every text in the code of the appliance and the server."""
    for path in (source for room in ("device", "desktop_server") for source in (ROOT / room).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
