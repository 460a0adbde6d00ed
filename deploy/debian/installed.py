"""A machine where affectd is installed: what the tests do with it again and again."""

from __future__ import annotations

from pathlib import Path

from machine import Machine

CONFIG = """
[node]
id = "test"
[replay]
media = ["/srv/sample.flv"]
loop = true
"""


def configure(machine: Machine, config: str) -> None:
    """Write the configuration, and start anew with it."""
    machine.put("etc/affectd/affectd.toml", config)
    machine.run("systemctl restart affectd")


def override(machine: Machine, text: str, unit: str = "affectd") -> None:
    """Add to a unit, from its next start on."""
    machine.put(f"etc/systemd/system/{unit}.service.d/test.conf", text)
    machine.run("systemctl daemon-reload")


def trial_is_over(machine: Machine) -> bool:
    """Whether nothing is judged any more."""
    return machine.tells("ActiveState", "affectd-trial.service") in ("inactive", "failed")


def kept(machine: Machine) -> dict[str, str]:
    """The version of each kept file, by its name; other files with none."""
    folder = machine.root / "var/cache/affectd/kept"
    names = sorted(path.name for path in folder.iterdir())
    return {name: machine.run(f"dpkg-deb --field /var/cache/affectd/kept/{name} Version || true") for name in names}


def on_version(machine: Machine, version: str) -> bool:
    """Whether this version is installed and runs."""
    return machine.version() == version and machine.tells("ActiveState") == "active"


def pack_signed_set(machine: Machine) -> None:
    """As its owner would, whose key is trusted; what is the owner's lies in /srv."""
    for command in (
        "minisign -G -W -s owner.key -p owner.pub && cp owner.pub /etc/affectd/keys/",
        "affectd models pack affectd-1 --key owner.key --out set.tar",
    ):
        machine.run(f"cd /srv && {command}")


def install_signed_set(machine: Machine) -> None:
    """And as its user would."""
    pack_signed_set(machine)
    machine.run("affectd models install /srv/set.tar")


def told(name: str, figure: float, unit: str) -> None:
    """Show what was measured."""
    print(f"\n{name}: {figure:.2f} {unit}")


def version_of(package: Path) -> str:
    """By its file's name."""
    return package.name.split("_")[1]
