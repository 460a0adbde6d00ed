"""Packet size limit of the broker: MQTT 5 states it, another broker is found out by the connections it ends."""

from __future__ import annotations

from dataclasses import dataclass

from device.publish.message import Message

_AROUND_BYTES = 12
"""What a packet has besides topic and payload, at most: header, lengths, number, no properties."""

_ENDED = 2
"""So many young connections in a row that ended at one message are no accident."""

_SUSPECTED_FROM_BYTES = 1024
"""A broker that does not even take this is of no use here: it is the network that ends the connections."""


_MAX_UNPROVEN = 256
"""Messages that are remembered until a receipt comes. With QoS 1 far fewer are on their way."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way."""

    address: str
    qos: int
    bytes: int


def packet_bytes(message: Message) -> int:
    """The most that the message has on the wire."""
    return len(message.address.encode()) + len(message.payload) + _AROUND_BYTES


class PacketLimit:
    """Limit of what may be sent. It is given every message, receipt and connection.

    A broker reads in order: the receipt of one message proves all that were sent before it. ``sent`` may be called by
    another thread than the rest.
    """

    def __init__(self) -> None:
        self.stated_bytes: int | None = None
        """What the broker itself said."""
        self._found_bytes: int | None = None
        self._unproven: dict[int, Sent] = {}
        self._suspect, self._ended = "", 0

    @property
    def _most_bytes(self) -> int | None:
        return min((n for n in (self.stated_bytes, self._found_bytes) if n is not None), default=None)

    def allows(self, message: Message) -> bool:
        """Whether it may be sent, as far as that is known."""
        most_bytes = self._most_bytes
        return most_bytes is None or packet_bytes(message) <= most_bytes

    def sent(self, number: int, message: Message) -> None:
        """The message is on its way."""
        if len(self._unproven) < _MAX_UNPROVEN:
            self._unproven[number] = Sent(message.address, message.qos, packet_bytes(message))

    def received(self, number: int) -> None:
        """The broker has it; of a message without QoS that only says that it was sent."""
        receipt = self._unproven.get(number)
        if receipt is None or receipt.qos == 0:
            return
        for earlier in list(self._unproven):
            del self._unproven[earlier]
            if earlier == number:
                return

    def connected(self, stated_bytes: int | None) -> dict[int, Sent]:
        """There is a connection, which would not survive these messages that wait, by number."""
        self.stated_bytes = stated_bytes
        return self._withdrawn()

    def ended(self, *, young: bool, too_large: bool) -> dict[int, Sent]:
        """The connection ended, ``too_large`` if the broker says that. What is not to be sent again, as above."""
        largest = max(list(self._unproven.values()), key=lambda sent: sent.bytes, default=None)
        if largest is not None and (too_large or (young and largest.bytes >= _SUSPECTED_FROM_BYTES)):
            self._suspect, self._ended = largest.address, self._ended + 1 if largest.address == self._suspect else 1
            if too_large or self._ended >= _ENDED:
                self._found_bytes = largest.bytes - 1
        else:
            self._suspect, self._ended = "", 0
            if not young:  # who runs there by now may take more
                self._found_bytes = None
        withdrawn = self._withdrawn()
        self._unproven = {number: sent for number, sent in list(self._unproven.items()) if sent.qos}
        return withdrawn

    def away(self) -> None:
        """Nobody is there: the broker may come back with other limits."""
        self._found_bytes = None

    def _withdrawn(self) -> dict[int, Sent]:
        most_bytes = self._most_bytes
        if most_bytes is None:
            return {}
        too_large = {n: sent for n, sent in list(self._unproven.items()) if sent.bytes > most_bytes}
        for number in too_large:
            self._unproven.pop(number, None)
        return too_large
