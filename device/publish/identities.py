"""The names that this machine has spoken under, so that none it gave up stays on the broker as if it were there."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from device.disk import replace_durably
from device.errors import ConfigError
from device.publish import topics as table
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
    memory, never the appliance.
    """

    def __init__(self, path: Path, now: Identity) -> None:
        self._path, self._now = path, now
        self._settled = False
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

    def forget(self, former: Identity) -> None:
        """Nothing of it is left, as far as the next start is concerned."""
        if former in self._remembered:
            self._remembered.remove(former)
            self._write()

    def _write(self) -> None:
        text = json.dumps([asdict(one) for one in (*self._remembered, self._now)])
        try:
            replace_durably(self._path, text.encode("ascii"))
        except OSError as error:
            _log.warning(
                "%s: cannot be written (%s); a later change of the name will leave this one on the broker",
                self._path,
                error.strerror,
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
