"""Guard of the node's own status on the broker: whatever else is published there is corrected."""

from __future__ import annotations

import json
import logging

from device.publish.message import Message
from device.publish.publish_policy import Every

_log = logging.getLogger(__name__)

_REASSERT_S = 1.0
"""Two nodes with one name correct each other for ever: not more than once a second."""


class StatusGuard:
    """Finds out when ``status`` no longer says that this process is online. Stepped; it reads no clock."""

    def __init__(self, node: str, boot_id: str) -> None:
        self._node, self._boot_id = node, boot_id
        self._reassert = Every(_REASSERT_S)
        self._contradicted = self._by_own_will = False

    def see(self, status: Message) -> None:
        """Take what came in at the node's own ``status``."""
        # What was retained when we came is older than the `online` that we sent since.
        if not status.retain and not self._is_ours(status.payload, "online"):
            self._contradicted, self._by_own_will = True, self._is_ours(status.payload, "offline")

    def due(self, now_ns: int, *, link_has_problem: bool) -> bool:
        """Whether ``online`` is to be sent again; it is logged why."""
        if not self._contradicted or not self._reassert.due(now_ns):
            return False
        self._contradicted = False
        if self._by_own_will:  # the link has reported the connection that broke
            _log.info(
                "the broker gave out the last will of %s, whose connection broke; saying online again", self._node
            )
        else:
            # A twin on the broker does this at each of its turns; the link has named it.
            severity = logging.DEBUG if link_has_problem else logging.WARNING
            _log.log(severity, "somebody said that %s is not online; saying it again", self._node)
        return True

    def _is_ours(self, payload: bytes, state: str) -> bool:
        try:
            status = json.loads(payload)
            return bool(status["state"] == state and status["boot_id"] == self._boot_id)
        except (ValueError, TypeError, KeyError, RecursionError):
            return False
