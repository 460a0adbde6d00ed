#!/usr/bin/env python3
"""Make a broker for a house of nodes: TLS, passwords, and rights that keep each node to its own topics.

``sudo deploy/mosquitto/make_broker.py --host broker.lan --node kitchen --node hall``. Run again, it adds what is new
and keeps every secret there is. All cryptography is openssl's and mosquitto_passwd's; no Python package is needed.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from certificates import BrokerError, ensure_authority, ensure_certificate, is_address
from logins import PEOPLE, HandOut, ensure_logins, write_beside

HERE = Path(__file__).resolve().parent
DEFAULT_FOLDER = Path("/etc/mosquitto/affectd")
_NODE = re.compile(r"[a-zA-Z0-9_-]{1,64}")  # as in device/publish/topics.py: it is one level of a topic
_HOST = re.compile(r"[a-zA-Z0-9]([a-zA-Z0-9.-]{0,251}[a-zA-Z0-9])?")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to make: ``seen_at`` is where mosquitto will find the folder ``broker``."""

    folder: Path
    seen_at: Path
    port: int
    nodes: tuple[str, ...]
    hosts: tuple[str, ...]

    @property
    def broker(self) -> Path:
        """What mosquitto reads."""
        return self.folder / "broker"

    @property
    def conf(self) -> Path:
        """mosquitto's configuration."""
        return self.broker / "affectd.conf"

    @property
    def authority(self) -> Path:
        """The key that all trust hangs on, and the names it has signed for."""
        return self.folder / "authority"


def make(plan: Plan) -> Iterator[str]:
    """Make what is missing; say what was done and what a person does next. Raises ``BrokerError``."""
    plan.broker.mkdir(parents=True, exist_ok=True)
    plan.folder.chmod(0o711)  # mosquitto must get through to the one folder that is its own
    yield f"authority        {ensure_authority(plan.authority)}"
    hosts = _all_hosts(plan)
    done = ensure_certificate(plan.broker / "broker.pem", plan.authority, hosts)
    yield f"certificate      {done}: {', '.join(hosts)}"
    write_beside(plan.authority / "hosts", "\n".join(hosts) + "\n")
    yield f"access list      {_copy_acl(plan.broker / 'acl')}"
    template = (HERE / "affectd.conf").read_text(encoding="utf-8")
    write_beside(plan.conf, template.format(folder=plan.seen_at, port=plan.port))
    handing_out = HandOut(plan.folder / "hand_out", plan.authority / "ca.crt", hosts[0], plan.port)
    new = ensure_logins(plan.broker / "passwords", (*PEOPLE, *plan.nodes), handing_out)
    for name in (*PEOPLE, *plan.nodes):
        yield f"{name:<16} {'made' if name in new else 'kept'}"
    _give_to_mosquitto(plan.broker)
    yield from _what_next(plan, [node for node in plan.nodes if node in new])


def _what_next(plan: Plan, new_nodes: Sequence[str]) -> Iterator[str]:
    if plan.seen_at == plan.broker:
        yield f"\nmosquitto reads {plan.broker}. On Debian, the first time:"
        yield f"  ln -s {plan.conf} /etc/mosquitto/conf.d/ && systemctl restart mosquitto"
        yield "and after a change: systemctl reload mosquitto (restart for a new certificate)"
    for node in new_nodes:
        yield f"\nNode {node}: bring {plan.folder / 'hand_out' / node} there; on it, as root:"
        yield "  install -D -m 644 ca.crt /etc/affectd/ca.crt"
        yield "  install -D -m 600 mqtt-password /etc/credstore/affectd.mqtt-password"
        yield "  and the lines of affectd.toml into /etc/affectd/affectd.toml"
    yield f"\nHome Assistant logs in as 'house', the desktop server as 'server': {plan.folder / 'hand_out'}"
    yield f"Keep a copy of {plan.authority} where no node can reach it; who has ca.key can pass for the broker."


def _all_hosts(plan: Plan) -> list[str]:
    """Those asked for first, then those of earlier times."""
    known = plan.authority / "hosts"
    earlier = known.read_text(encoding="ascii").split() if known.is_file() else []
    name = socket.gethostname()
    usual = [] if earlier else [*([name, f"{name}.local"] if _HOST.fullmatch(name) else []), "localhost", "127.0.0.1"]
    return list(dict.fromkeys([*plan.hosts, *earlier, *usual]))


def _copy_acl(path: Path) -> str:
    """Once; later it is the owner's own, who may have let in others."""
    ours = (HERE / "acl").read_text(encoding="utf-8")
    if not path.is_file():
        write_beside(path, ours)
        return "made"
    return "kept" if path.read_text(encoding="utf-8") == ours else f"kept; it is no longer {HERE / 'acl'}"


def _give_to_mosquitto(broker: Path) -> None:
    """mosquitto 2 reads its files as the user mosquitto, and warns of those that belong to somebody else."""
    if os.geteuid() != 0:
        return
    for path in (broker, *broker.iterdir()):
        try:
            shutil.chown(path, "mosquitto", "mosquitto")
        except LookupError:  # not installed on this machine: the broker is elsewhere
            return


def _plan(arguments: Sequence[str] | None) -> Plan:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--node", action="append", default=[], metavar="ID", help="a node's id; once for each")
    parser.add_argument("--host", action="append", default=[], metavar="NAME", help="name or address of the broker")
    parser.add_argument("--port", type=int, help="default: as before, or 8883")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, metavar="DIR", help="default: %(default)s")
    parser.add_argument(
        "--seen-at", type=Path, metavar="DIR", help="where mosquitto finds DIR/broker; default: as before, or there"
    )
    given = parser.parse_args(arguments)
    _require_names(given.node, given.host)
    if given.port is not None and not 1 <= given.port <= 65535:
        raise BrokerError(f"--port {given.port} is no port; use 1 to 65535, such as 8883")
    folder = given.folder.resolve()
    nodes, hosts = (tuple(dict.fromkeys(names)) for names in (given.node, given.host))
    port, seen_at = _earlier(folder / "broker" / "affectd.conf")
    return Plan(folder, given.seen_at or seen_at, given.port or port, nodes, hosts)


def _earlier(conf: Path) -> tuple[int, Path]:
    """Port and folder of an earlier run, or the usual ones."""
    text = conf.read_text(encoding="utf-8") if conf.is_file() else ""
    port, folder = (re.search(pattern, text, re.MULTILINE) for pattern in (r"^listener (\d+)$", r"^acl_file (.+)/acl$"))
    return int(port[1]) if port else 8883, Path(folder[1]) if folder else conf.parent


def _require_names(nodes: Sequence[str], hosts: Sequence[str]) -> None:
    for node in nodes:
        if not _NODE.fullmatch(node):
            raise BrokerError(f"--node {node!r} cannot be part of a topic; use 1 to 64 letters, digits, '_' or '-'")
        if node in PEOPLE:
            raise BrokerError(f"--node {node!r} is the name of a user that is no node; choose another")
    for host in hosts:
        if not (is_address(host) or _HOST.fullmatch(host)):
            raise BrokerError(f"--host {host!r} is no host name; use a name or an address such as 192.168.1.10")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; the exit status is 1 if the broker could not be made."""
    os.umask(0o077)
    try:
        done = list(make(_plan(arguments)))
    except BrokerError as error:
        sys.stderr.write(f"make_broker: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"make_broker: {error.filename}: {error.strerror}; run it as root, or give --folder\n")
        return 1
    return _told(done)


def _told(done: Sequence[str]) -> int:
    try:
        print("\n".join(done), flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python tries again at its end
        sys.stderr.write(f"make_broker: it is made, but what was done cannot be shown ({error.strerror})\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
