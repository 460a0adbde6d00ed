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
SHORT = {
    "desktop_server/http/raw_problem.py": "for the parser of HTTP and that of WebSockets alike",
    "desktop_server/http/server_info.py": "a router a file",
    "desktop_server/wiring/decoders.py": "a part of the server a file",
    "device/arrays.py": "below all that has numbers",
    "device/bench/moving.py": "for two benchmarks",
    "device/interpreter.py": "read by a Python that is too old for the rest",
    "device/models/speech_emotion.py": "beside face_emotion.py",
    "device/publish/message.py": "for all that publishes",
    "quantize/datasets/pictures.py": "beside sound.py",
    "quantize/files.py": "for all that writes",
    "quantize/training/distillation.py": "a technique a file",
}
"""Files under 25 lines, and why each is none of another's; a command may be as short as it likes."""
ROOTS = ("device/app.py", "desktop_server/app.py")
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


def test_files_have_25_to_300_lines() -> None:
    lines = {path: len((ROOT / path).read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {path: count for path, count in lines.items() if count > 300} == {}
    short = {path for path, count in lines.items() if count < 25 and not path.endswith("__.py")}
    assert {path for path in short if "/commands/" not in path} <= SHORT.keys() <= MODULES.keys()


@pytest.mark.parametrize("path", ROOTS)
def test_a_composition_root_is_a_page(path: str) -> None:
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 120
    ours = [n for n in ast.walk(MODULES[path]) if isinstance(n, ast.ImportFrom) and n.module and _is_ours(n.module)]
    assert len(ours) <= 12


def _is_ours(module: str) -> bool:
    return module.split(".")[0] in ("device", "desktop_server", "quantize")


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


TESTED_WITH = {
    "desktop_server": "test_wiring test_gpu",
    "desktop_server/analysis": "test_http test_stream test_read",
    "desktop_server/commands": "test_access test_comparison",
    "desktop_server/faithfulness": "test_explanation",
    "desktop_server/inference": "test_onnx",
    "desktop_server/scaling": "test_scale_out",
    "desktop_server/schema": "test_openapi test_read",
    "device": "test_wiring test_doctor",
    "device/capture": "test_replay test_hum test_stuck_sensors",
    "device/commands": "test_cli test_microphone",
    "device/config": "test_settings test_setup",
    "device/features": "test_front_ends test_speech_windows",
    "device/fusion": "test_replay",
    "device/models": "test_face_emotion test_tflite",
    "device/monitoring": "test_doctor test_systemd",
    "device/process": "test_runtime",
    "device/publish": "test_node test_homeassistant",
    "device/threads": "test_stuck_sensors",
    "quantize": "test_train test_head_fit",
    "quantize/augment": "test_voices",
    "quantize/conversion": "test_train test_formats",
    "quantize/evaluation": "test_evaluate",
    "quantize/inputs": "test_train test_evaluate",
    "quantize/recipes": "test_train test_report",
    "quantize/studies": "test_report test_degradations test_serving",
    "quantize/training": "test_train test_recipes_face",
}
"""Of a room without a test of its name, those that its files without one are tested by."""
TESTS = {path.stem for path in ROOT.glob("tests/**/test_*.py")}


def named_after(path: str) -> set[str]:
    """A file's, or a room's own tests; where two have one name its room's or package's stands before it."""
    package, *rooms, name = path.removesuffix(".py").replace("desktop_server", "server").split("/")
    return TESTS & {"_".join(("test", *before, name)) for before in ((), (package,), rooms[-1:], (package, *rooms))}


def test_what_tests_a_file_is_found_by_its_name_or_its_rooms() -> None:
    without = {path for path in MODULES if not path.endswith("__.py") and not named_after(path)}
    rooms = {path.rpartition("/")[0] for path in without}
    assert {room for room in rooms if not ("/" in room and named_after(room))} == TESTED_WITH.keys()
    assert {name for names in TESTED_WITH.values() for name in names.split()} <= TESTS
