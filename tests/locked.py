"""An environment as `make` builds it from a lock, out of the packages that this Python has: nothing is downloaded."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.metadata import Distribution, distribution
from pathlib import Path
from venv import EnvBuilder

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCKS = {".venv-demo": "demo", ".venv-server": "server"}
"""The environments that the README's commands name, and what they are made of."""
SCRIPTS = {"affectd": "device.cli", "affectd-server": "desktop_server.cli"}


def environment(lock: str, folder: Path) -> Path:
    """A virtual environment of what ``requirements/LOCK.txt`` names and affectd, and no more; its folder ``bin``."""
    EnvBuilder(symlinks=True).create(folder)
    site = next(folder.glob("lib/python*/site-packages"))
    for found in packages(lock):
        _link(found, site)
    (site / "affectd.pth").write_text(f"{ROOT}\n")
    (own,) = (path for path in _tops(distribution("affectd")) if path.name.endswith(".dist-info"))
    (site / own.name).symlink_to(own)
    for name, module in SCRIPTS.items():
        script = folder / "bin" / name
        script.write_text(f"#!{folder}/bin/python\nimport sys\nfrom {module} import main\nsys.exit(main())\n")
        script.chmod(0o755)
    return folder / "bin"


def packages(lock: str) -> list[Distribution]:
    """What the lock installs here. The locks are made together: another version than the tests' own is a fault."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines()
    named = [Requirement(line.rstrip(" \\")) for line in lines if line[:1].isalnum()]
    wanted = [one for one in named if one.marker is None or one.marker.evaluate()]
    found = [distribution(one.name) for one in wanted]
    pairs = zip(wanted, found, strict=True)
    other = [f"{one}, and {own.version} here" for one, own in pairs if own.version not in one.specifier]
    assert not other, f"{other}: requirements/{lock}.txt and test.txt differ; run: make lock"
    return found


def _link(found: Distribution, site: Path) -> None:
    for path in _tops(found):
        if not (site / path.name).is_symlink():  # two may share a folder of a name
            (site / path.name).symlink_to(path)


def _tops(found: Distribution) -> Iterable[Path]:
    home = Path(str(found.locate_file("")))
    names = {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}
    return [home / name for name in sorted(names)]


def in_it(bin_folder: Path, **more: str) -> dict[str, str]:
    """The environment variables of who works in it."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return {**kept, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}", **more}
