import ast
import re
from collections import Counter
from fnmatch import fnmatch
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


MODULES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8"))
    for package in ("device", "desktop_server", "quantize")
    for path in ROOT.glob(f"{package}/**/*.py")
}
MAY_REPEAT = {
    "main": ("*", "where a program begins"),
    "run": ("*/commands/*", "what a command does"),
    "add_to": ("quantize/commands/*", "which options a command has"),
    "study": ("quantize/studies/*", "what makes a study's figures"),
    "drawings": ("quantize/report/*", "what a part of the report shows"),
    "list_cameras": ("device/capture/camera_*", "which cameras of a kind are there"),
    "FEATURE_VERSION": ("device/features/*", "of which features a front end is"),
    "model_input": ("device/features/*", "what a front end gives a net"),
    "router": ("desktop_server/http/*", "FastAPI's routes of a file"),
    "server": ("desktop_server/http/*", "a route's name is its operationId in the OpenAPI document"),
    "Box": ("desktop_server/schema/analysis.py", "the JSON of the device's type, by which generated clients know it"),
    "Estimate": ("desktop_server/schema/analysis.py", "the same"),
    "Face": ("desktop_server/schema/analysis.py", "the same"),
}
"""Public names that more than one file may define, where, and what they mean everywhere."""


def public_names(module: ast.Module) -> set[str]:
    """Classes, functions and constants, without what is imported."""
    found: set[str] = set()
    for statement in module.body:
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(statement.name)
        elif isinstance(statement, ast.Assign | ast.AnnAssign):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return {name for name in found if not name.startswith("_")}


def test_no_public_name_is_defined_twice() -> None:
    defined: dict[str, list[str]] = {}
    for path, module in MODULES.items():
        for name in public_names(module):
            if name not in MAY_REPEAT or not fnmatch(path, MAY_REPEAT[name][0]):
                defined.setdefault(name, []).append(path)
    assert {name: paths for name, paths in defined.items() if len(paths) > 1} == {}


def test_every_name_that_may_be_defined_twice_is() -> None:
    counts = Counter(name for module in MODULES.values() for name in public_names(module))
    assert [name for name in MAY_REPEAT if counts[name] < 2] == []
