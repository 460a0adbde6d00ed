"""Relay from the outbox to the broker: at-least-once delivery, each event forgotten at its acknowledgement."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

import msgspec

from device.publish.contract import Event, Json, encode
from device.publish.dating import as_delivered, as_stored
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.publish.outbox import Outbox
from device.publish.wall_clock import ClockSetting, clock_setting

_log = logging.getLogger(__name__)

_UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, RecursionError, msgspec.ValidationError)
"""What reading an event raises that the card has spoiled. It would stop the appliance at every start."""

_IN_FLIGHT = 16
"""Events handed over but not yet acknowledged. paho itself sends at most 20 at a time."""


class OutboxRelay:
    """Delivers each event at least once: the same ``id``, ``kind`` and ``ts`` twice is the same event.

    Events go in the order in which they happened. One that could not go at once is marked ``backfilled``. paho keeps
    what it was given over a lost connection and sends it again, so only what it was never given is taken up here.
    ``clock`` tells how the machine's clock stands: what was stored before it was set is dated anew.
    """

    def __init__(
        self, *, link: MqttClient, outbox: Outbox, address: str, clock: Callable[[], ClockSetting] = clock_setting
    ) -> None:
        self._link, self._outbox, self._address, self._clock = link, outbox, address, clock
        self._in_flight: dict[int, int] = {}
        self._handed_over = 0
        self._has_told_of_spoiled = False
        self._backlog = outbox.depth > 0

    def enqueue(self, event: Json, *, at_once: bool, will: Json | None = None) -> None:
        """Write the event down and, unless others wait before it, send it.

        ``will`` is the event that the next life sends if this one ends without another word.
        """
        clock = self._clock()
        kept = [encode(as_stored(each, clock)) for each in (event, will) if each is not None]
        number = self._outbox.add(*kept)
        if at_once and not self._backlog and len(self._in_flight) < _IN_FLIGHT:
            self._backlog = not self._hand_over(number, encode(event))
        else:
            self._backlog = True

    def leave(self, will: Json) -> None:
        """Write down a newer will, so that it is dated to what was last seen."""
        self._outbox.leave(encode(as_stored(will, self._clock())))

    def deliver(self) -> None:
        """Strike off what arrived and send what waits, a few at a time."""
        self.acknowledge()
        room = _IN_FLIGHT - len(self._in_flight)
        if self._backlog and room > 0:
            self._deliver_backlog(room)

    def acknowledge(self) -> None:
        """Forget the events that the broker has."""
        while (receipt := self._link.acks.take(0)) is not None:
            if (number := self._in_flight.pop(receipt, None)) is not None:
                self._outbox.forget(number)

    def _deliver_backlog(self, room: int) -> None:
        waiting, clock = self._outbox.after(self._handed_over, room), self._clock()
        for stored in waiting:
            try:
                payload = _backfilled(stored.payload, clock)
            except _UNREADABLE as error:
                self._give_up(stored.id, error)
                continue
            if not self._hand_over(stored.id, payload):
                return
        self._backlog = len(waiting) == room

    def _give_up(self, number: int, error: Exception) -> None:
        """Of what the card has spoiled one line is said; the others are counted in the health message."""
        self._outbox.give_up(number)
        if not self._has_told_of_spoiled:
            self._has_told_of_spoiled = True
            _log.error("an event in the store cannot be read (%s); it is lost, others like it are counted only", error)

    def _hand_over(self, number: int, payload: bytes) -> bool:
        receipt = self._link.send(Message(self._address, payload, qos=1))
        if receipt is None:
            return False
        self._in_flight[receipt] = number
        self._handed_over = number
        return True


def _backfilled(payload: bytes, clock: ClockSetting) -> bytes:
    """Raises one of ``_UNREADABLE`` for what the card has spoiled, or is no event of the contract."""
    delivered = as_delivered(json.loads(payload), clock) | {"backfilled": True}
    return encode(msgspec.convert(delivered, Event))
