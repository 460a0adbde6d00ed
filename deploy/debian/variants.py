"""Other versions of the package, made from the real one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path


def variant(package: Path, version: str, folder: Path, change: Callable[[Path], None]) -> Path:
    """The package under another version, its files (and DEBIAN/, its control files) changed in place by ``change``."""
    tree = folder / version
    subprocess.run(["dpkg-deb", "--raw-extract", package, tree], check=True, timeout=60)
    control = tree / "DEBIAN" / "control"
    control.write_text(re.sub(r"(?m)^Version: .*$", f"Version: {version}", control.read_text()))
    change(tree)
    built = folder / f"affectd_{version}.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", tree, built], check=True, timeout=120)
    return built


def sound(_tree: Path) -> None:
    """A good version."""


def ends_at_once(tree: Path) -> None:
    """Its service fails at every start."""
    _program(tree, "exit 1")


def is_never_ready(tree: Path) -> None:
    """Its service does not get through its start."""
    _program(tree, "exec sleep infinity")


def hangs_when_ready(tree: Path) -> None:
    """Its service says that it is ready, and then nothing more: the watchdog is not fed."""
    _program(tree, "systemd-notify --ready\nexec sleep infinity")


def refuses_the_configuration(tree: Path) -> None:
    """Its service ends with status 78, after which systemd does not try again."""
    _program(tree, "exit 78")


def loses_its_broker(tree: Path) -> None:
    """Its service gets ready, and stays, but never finds the broker again."""
    _with_another_config(tree, "/^\\[mqtt\\]/d; $ a [mqtt]\\nport = 1")


def loses_its_microphone(tree: Path) -> None:
    """Its service runs on the camera alone."""
    _with_another_config(tree, 's/^\\[node\\]/[node]\\nmode = "face"/')


def has_another_default(tree: Path) -> None:
    """A good version whose configuration, as it comes, is another one."""
    (tree / "usr/share/affectd/affectd.toml").write_text('[node]\nid = "another"\n')


def has_its_configuration_as_a_conffile(tree: Path) -> None:
    """As versions had it before 0.2: dpkg looks after the file."""
    default = tree / "usr/share/affectd/affectd.toml"
    default.rename(tree / "etc/affectd/affectd.toml")
    (tree / "DEBIAN" / "conffiles").write_text("/etc/affectd/affectd.toml\n")
    (tree / "DEBIAN" / "preinst").unlink()
    script = tree / "DEBIAN" / "postinst"
    script.write_text(script.read_text().replace("    write_config\n", ""))


def waits_before_anything(tree: Path) -> None:
    """Its first script does not get on, so nothing is kept or unpacked; dpkg calls it half installed already."""
    (tree / "DEBIAN" / "preinst").write_text("#!/bin/sh\nexec sleep infinity\n")


def cannot_be_set_up(tree: Path) -> None:
    """Its postinst fails, so its service is never started."""
    script = tree / "DEBIAN" / "postinst"
    script.write_text(script.read_text() + "\nexit 1\n")


def _with_another_config(tree: Path, sed: str) -> None:
    program = tree / "opt/affectd/bin/affectd"
    program.rename(program.with_name("really"))
    program.write_text(
        "#!/bin/sh\n"
        f"[ \"$1\" != run ] || sed '{sed}' /etc/affectd/affectd.toml > /run/affectd/other.toml\n"
        'exec /opt/affectd/bin/really "$1" --config /run/affectd/other.toml\n'
    )
    program.chmod(0o755)


def _program(tree: Path, body: str) -> None:
    (tree / "opt/affectd/bin/affectd").write_text(f"#!/bin/sh\n{body}\n")
