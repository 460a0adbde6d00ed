"""Faults to be planted: what a Raspberry Pi may suffer from, as real as it can be made on any Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

NOBODY = 65534


def stand_ins(folder: Path, **wishes: str) -> dict[str, str]:
    """The environment in which the kernel answers as ``stand_ins.c`` is asked to."""
    return {"LD_PRELOAD": str(preloadable(folder, "stand_ins.c")), **wishes}


def preloadable(folder: Path, source: str) -> Path:
    """The library of a C file beside this one, compiled into the folder."""
    library = (folder / source).with_suffix(".so")
    _compile("-shared", "-fPIC", "-o", str(library), str(Path(__file__).with_name(source)), "-ldl")
    return library


def module_of_another_numpy(folder: Path, name: str) -> dict[str, str]:
    """The environment in which the module ``name`` is one that was compiled with NumPy 1's headers.

    They are this NumPy's, with the binary interface's number set back: NumPy itself then refuses the module.
    """
    headers = folder / "headers"
    shutil.copytree(np.get_include(), headers)
    config = headers / "numpy" / "numpyconfig.h"
    config.write_text(config.read_text().replace("NPY_VERSION NPY_ABI_VERSION", "NPY_VERSION 0x01000009"))
    source = folder / f"{name}.c"
    source.write_text(
        "#include <Python.h>\n#include <numpy/arrayobject.h>\n"
        f'static struct PyModuleDef module = {{PyModuleDef_HEAD_INIT, "{name}", 0, -1, 0}};\n'
        f"PyMODINIT_FUNC PyInit_{name}(void) {{ import_array(); return PyModule_Create(&module); }}\n"
    )
    target = folder / f"{name}{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = [f"-I{headers}", f"-I{sysconfig.get_path('include')}"]
    _compile("-shared", "-fPIC", "-w", *include, "-o", str(target), str(source))
    return {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}


def command(folder: Path, name: str, answer: str) -> dict[str, str]:
    """The environment in which the command ``name`` gives this answer."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{answer}'\n")
    path.chmod(0o755)
    return {"PATH": os.pathsep.join([str(folder), os.environ["PATH"]])}


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A file system of a megabyte, with nothing left of it."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system to fill it")
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, timeout=120
    ).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    try:
        with pytest.raises(OSError, match="No space"):
            (folder / "filler").write_bytes(bytes(2_000_000))
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True, timeout=120)


def without_root_s_rights() -> list[str]:
    """The command that runs another one as root, but bound by the permissions of files like everybody."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root may make files of somebody else and give up its rights: setpriv of util-linux")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", "--inh-caps", "-all", "--"]


def old_python() -> str:
    """A Python older than affectd's oldest."""
    pyenv = sorted(Path.home().glob(".pyenv/versions/3.[89].*/bin/python"))
    found = [shutil.which(f"python3.{minor}") for minor in (8, 9, 10)] + [str(path) for path in pyenv]
    working = [python for python in found if python and not subprocess.run([python, "-c", ""], timeout=120).returncode]
    if not working:
        pytest.skip("no Python 3.8 to 3.10 here; install one, or pyenv")
    return working[-1]


def python_32bit() -> list[str]:
    """The command of a Python for 32-bit machines, from a Debian root that is only unpacked."""
    root = Path(os.environ.get("AFFECTD_32BIT_ROOT", "/nonexistent"))
    if not root.is_dir():
        pytest.skip(
            "AFFECTD_32BIT_ROOT names no root: mmdebstrap --arch=i386 --variant=extract --include=python3 bookworm ROOT"
        )
    libraries = f"{root}/lib/i386-linux-gnu:{root}/usr/lib/i386-linux-gnu"
    return [f"{root}/lib/ld-linux.so.2", "--library-path", libraries, f"{root}/usr/bin/python3.11"]


def _compile(*arguments: str) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("no C compiler: apt install gcc")
    subprocess.run(["gcc", *arguments], check=True, capture_output=True, timeout=120)
