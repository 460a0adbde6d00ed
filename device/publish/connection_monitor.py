"""What is said of the connection to the broker: each trouble once, until it changes or is over. It reads no clock."""

from __future__ import annotations

import logging

_log = logging.getLogger(__name__)

_YOUNG_NS = 5_000_000_000
"""Who takes an id back does so after the shortest pause between connections, a second; ours and theirs make two."""

_FLAPPING_LOSSES = 3
"""So many connections lost young, one after the other, are no accident."""


class ConnectionMonitor:
    """Follows how each attempt to connect goes. ``problem`` is the standing trouble, in the words of the log."""

    def __init__(self, broker: str) -> None:
        self.problem: str | None = None
        self._broker = broker
        self._was_refused = False
        self._accepted_ns: int | None = None
        self._lost_young = 0
        self._too_large: set[str] = set()

    def accepted(self, now_ns: int) -> None:
        """The broker let us in. While connections flap that means nothing yet."""
        self._accepted_ns = now_ns
        if not self._is_flapping:
            self._log_connected()

    def held(self, now_ns: int) -> None:
        """The broker answers still: a connection that has grown old ends the flapping."""
        if self._is_flapping and self._accepted_ns is not None and not self.is_young(now_ns):
            self._lost_young = 0
            self._log_connected()

    def refused(self, reason: object) -> None:
        """The broker does not let us in; ``lost`` follows."""
        self._was_refused = True
        self._report(f"the broker {self._broker} refuses: {reason}; check user name, password and access list")

    def unreachable(self, reason: object) -> None:
        """There was nobody to ask."""
        self._lost_young = 0
        why = getattr(reason, "strerror", None) or reason  # in words, without the system's number
        self._report(f"the broker {self._broker} cannot be reached ({why}); everything else runs on, trying again")

    def lost(self, reason: object, now_ns: int, *, taken_over: bool) -> None:
        """The connection ended. ``taken_over``: the broker says that another client came with our id."""
        if self._was_refused:  # said by the refusal
            self._was_refused = False
            return
        self._lost_young = _FLAPPING_LOSSES if taken_over else self._lost_young + 1 if self.is_young(now_ns) else 0
        if self._is_flapping:  # mosquitto 2.0 gives no reason
            self._report(
                f"the broker {self._broker} ends each connection at once: probably another client uses this node's id; "
                "give each node its own (or the broker forbids something: see its log)"
            )
        else:
            self._report(f"the connection to the broker {self._broker} ended ({reason}); trying again")

    def too_large(self, address: str, size_bytes: int, stated_bytes: int | None) -> None:
        """The broker does not take so large a packet, so it is not sent; said once for each address.

        ``stated_bytes`` is the limit that the broker itself states, if it does.
        """
        if address not in self._too_large:
            self._too_large.add(address)
            self._lost_young = 0  # that explains them
            why = f"takes packets of at most {stated_bytes} bytes" if stated_bytes else "ends each connection at it"
            _log.warning(
                "%s (%d bytes) is too large and not sent, everything else is: the broker %s %s; "
                "raise its limit (mosquitto: max_packet_size)",
                address, size_bytes, self._broker, why,
            )  # fmt: skip

    def not_taken(self, reason: object) -> None:
        """The broker does not pass a message on."""
        self._report(f"the broker {self._broker} does not take a message ({reason}); check its access list")

    @property
    def _is_flapping(self) -> bool:
        return self._lost_young >= _FLAPPING_LOSSES

    def is_young(self, now_ns: int) -> bool:
        """Whether the connection, or the last one, was accepted a moment ago."""
        return self._accepted_ns is not None and now_ns - self._accepted_ns < _YOUNG_NS

    def _log_connected(self) -> None:
        self.problem = None
        _log.info("connected to the broker %s", self._broker)

    def _report(self, problem: str) -> None:
        if problem != self.problem:
            _log.warning("%s", problem)
        self.problem = problem
