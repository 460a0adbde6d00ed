"""What is installed, and under which names."""

import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder)]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, str(ROOT)], check=True, capture_output=True, timeout=120
    )
    (path,) = folder.glob("affectd-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_brings_our_three_packages_and_no_other(wheel: zipfile.ZipFile) -> None:
    tops = {name.split("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.startswith("affectd-")} == {"device", "desktop_server", "quantize"}


def test_the_wheel_leaves_the_nets_as_they_were_trained_in_the_workshop(wheel: zipfile.ZipFile) -> None:
    assert [
        name for name in wheel.namelist() if name.endswith(".keras") or name.startswith("quantize/checkpoints/")
    ] == []


def test_the_wheel_brings_the_models_and_their_cards(wheel: zipfile.ZipFile) -> None:
    names = {Path(name).name for name in wheel.namelist() if "/models_tflite/" in name}
    assert {"sets.json", "MODEL_CARD.md", "blazeface_short.json"} <= names
    assert {f"baseline-{kind}.{suffix}" for kind in ("face", "speech") for suffix in ("json", "tflite")} <= names


def test_the_wheel_is_kept_from_public_registries_and_declares_every_extra(wheel: zipfile.ZipFile) -> None:
    (name,) = (n for n in wheel.namelist() if n.endswith(".dist-info/METADATA"))
    metadata = HeaderParser().parsestr(wheel.read(name).decode())
    assert "Private :: Do Not Upload" in metadata.get_all("Classifier", [])
    assert {"device", "pi", "server", "quantize", "demo", "test"} <= set(metadata.get_all("Provides-Extra", []))


@pytest.mark.parametrize("folder", ["systemd", "deploy", "models_tflite", "tests"])
def test_what_is_no_package_does_not_look_like_one(folder: str) -> None:
    assert not (ROOT / folder / "__init__.py").exists()
