"""What a unit's process may do on a machine where everything is open to whoever is not shut in."""

from __future__ import annotations

import json
import re

from machine import HERE, Machine, eventually

COMMAND = "/usr/bin/python3 /srv/probe.py"


def tempt(machine: Machine) -> None:
    """Open everything, and listen on two addresses."""
    machine.put("srv/probe.py", (HERE / "probe.py").read_text())
    machine.put("home/anna/diary", "dear diary")
    machine.run("mkdir -m 0777 /srv/open; chmod 0755 /home/anna; chmod 0644 /home/anna/diary")
    machine.run("[ -e /dev/fuse ] || mknod /dev/fuse c 10 229; chmod 0666 /dev/fuse")
    machine.run("ip address add 192.168.1.10/32 dev lo; ip address add 192.168.1.11/32 dev lo")
    machine.run("systemd-run --quiet --unit=listener python3 -m http.server 8080")
    eventually(lambda: "8080" in machine.run("ss --listening --tcp --numeric"))


def probe(machine: Machine, unit: str, *, options: str = "") -> dict[str, str]:
    """What came of each attempt in the sandbox of ``unit`` (a path without the first slash) and more of its options."""
    text = (machine.root / unit).read_text()
    for old, new in {"Type=notify": "Type=oneshot", "Restart=always": "Restart=no"}.items():
        text = text.replace(old, new)
    text = re.sub(r"(?m)^ExecStart=.*$", f"ExecStart={COMMAND}", text)
    machine.put("etc/systemd/system/probe.service", f"{text}\n{options}")
    machine.run("systemctl daemon-reload; systemctl start probe.service")
    return _found(machine, "/var/lib/" + re.findall(r"(?m)^StateDirectory=(.*)$", text)[-1])


def probe_outside(machine: Machine, *, user: str, folder: str) -> dict[str, str]:
    """The same without any sandbox; into ``folder`` the user may write."""
    machine.run(f"systemd-run --quiet --wait --uid={user} --setenv=STATE_DIRECTORY={folder} {COMMAND}")
    return _found(machine, folder)


def _found(machine: Machine, folder: str) -> dict[str, str]:
    return dict(json.loads(machine.run(f"cd {folder} && cat probe.json && rm probe.json")))
