"""Identities of this machine on the broker: what it published under a former name is cleared."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device.errors import ConfigError
from device.files import replace_durably
from device.publish import topics as table
from device.publish.message import Message
from device.publish.topics import Topics

_log = logging.getLogger(__name__)

_MAX_FORMER = 8


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's addresses, and the boot id in the last status that it left there."""

    node: str
    prefix: str
    discovery_prefix: str
    boot_id: str

    def topics(self) -> Topics:
        """Its addresses."""
        return Topics(self.node, self.prefix, self.discovery_prefix)

    def wrote(self, status: bytes) -> bool:
        """Whether this ``status`` is its own: by now another node may have the name."""
        try:
            return bool(json.loads(status)["boot_id"] == self.boot_id)
        except (ValueError, TypeError, KeyError, RecursionError):
            return False

    def left_behind(self, now: Identity) -> list[str]:
        """The addresses of what it left retained and the present identity does not write itself.

        The announcement comes first: nobody is to read the others when they are empty.
        """
        left = [address for address in self.topics().retained() if address not in now.topics().retained()]
        return sorted(left, key=lambda address: address != self.topics().address(table.DISCOVERY))


class Identities:
    """The present identity, and the former ones of which something may be left on the broker.

    ``is_first``: no start before is known of. They are kept in one file; one that cannot be read or written costs the
    memory, never the appliance: ``problem`` says why it could not be written, and is empty while all is well.
    """

    def __init__(self, path: Path, now: Identity) -> None:
        self._path, self._now = path, now
        self._settled = False
        self.problem = ""
        known = _read(path)
        self.is_first = not known
        self.former = tuple(one for one in known if one.topics() != now.topics())[-_MAX_FORMER:]
        self._remembered = list(self.former)

    @property
    def now(self) -> Identity:
        """The present one."""
        return self._now

    def settle(self) -> None:
        """The present one's status is on the broker: remember it from now on."""
        if not self._settled:
            self._settled = True
            self._write()

    def mend(self) -> None:
        """Try again what could not be written; call it now and then."""
        if self.problem:
            self._write()

    def left_at(self, message: Message) -> list[str] | None:
        """The addresses to clear, if the message is the status of a former name; none if another node has it by now.

        ``None`` for any other message. What is given is forgotten: it is cleared as far as the next start is concerned.
        """
        left: list[str] | None = None
        for former in self.former:
            if message.address != former.topics().address(table.STATUS) or not message.payload:
                continue
            left = left or []
            if former.wrote(message.payload):
                _log.info("clearing what this node left on the broker as %s", former.node)
                left += former.left_behind(self._now)
            self._forget(former)
        return left

    def _forget(self, former: Identity) -> None:
        if former in self._remembered:
            self._remembered.remove(former)
            self._write()

    def _write(self) -> None:
        text = json.dumps([asdict(one) for one in (*self._remembered, self._now)])
        try:
            replace_durably(self._path, text.encode("ascii"))
            self.problem = ""
        except OSError as error:
            self.problem = (
                f"{self._path}: cannot be written ({error.strerror}); a later change of the name will leave this one "
                "on the broker"
            )


def _read(path: Path) -> list[Identity]:
    try:
        return [_identity(entry) for entry in json.loads(path.read_bytes())]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, RecursionError, ConfigError) as error:
        _log.warning("%s: cannot be read (%s); if the node was renamed, its old name stays on the broker", path, error)
        return []


def _identity(entry: Mapping[str, Any]) -> Identity:
    identity = Identity(**entry)
    identity.topics()
    return identity
