import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def test_the_readme_says_what_cards_benchmark_and_contract_say() -> None:
    command = [sys.executable, str(ROOT / "deploy" / "readme.py"), "--check"]
    assert subprocess.run(command, timeout=120).returncode == 0, "run: make figures"


def test_every_file_the_readme_links_to_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [part.split(")")[0] for part in text.split("](")[1:]]
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []
