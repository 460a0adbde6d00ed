import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PACKAGES = (ROOT, ROOT / "device", ROOT / "desktop_server", ROOT / "quantize")
NAMED = sorted({name for name in re.findall(r"`([\w./*]+)`", TEXT) if re.search(r"/$|\.(py|json|toml|yaml|md)$", name)})


@pytest.mark.parametrize("name", NAMED)
def test_every_file_that_the_architecture_names_exists(name: str) -> None:
    assert any(list(package.glob(name.rstrip("/"))) for package in PACKAGES)


def test_it_is_two_pages_at_most() -> None:
    assert len(TEXT.splitlines()) <= 120
    assert len(NAMED) > 60


def test_every_room_is_on_a_ladder() -> None:
    rooms = {
        path.parent.name
        for package in ("device", "desktop_server", "quantize")
        for path in ROOT.glob(f"{package}/*/*.py")
    }
    assert [room for room in sorted(rooms) if f"{room}/`" not in TEXT] == []
