"""The node's entities in Home Assistant: announced, kept up to date, and withdrawn."""

from __future__ import annotations

import json
import random

from device.publish import topics as table
from device.publish.contract import EntityStates, Json, encode
from device.publish.downsample import Downsampler
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.publish.topics import Topic, Topics
from device.readings import Estimate

_BIRTH_JITTER_S = 5.0
_STEP_S = 3.0
"""Home Assistant needs some tenths of a second to set up or to let go of a device; a slow card, more."""

_HAND_OVER = encode({"migrate_discovery": True})
"""Home Assistant's word for "another announcement takes these entities over": names and rooms given to them stay."""


class Entities:
    """Home Assistant's entities of one node, over the node's link.

    ``discovery`` none withdraws the node, and nothing is said. Otherwise the entities' states are said when they change
    and every ``heartbeat_s``: the same again writes no row, and keeps them from expiring. ``is_first``: no start before
    is known of, so that an announcement may stand at the old address, which has to be handed over first.
    """

    def __init__(
        self,
        *,
        link: MqttClient,
        topics: Topics,
        discovery: Json | None,
        downsampler: Downsampler,
        heartbeat_s: float = 10.0,
        is_first: bool = False,
        birth_jitter_s: float = _BIRTH_JITTER_S,
        step_s: float = _STEP_S,
    ) -> None:
        self._link, self._topics = link, topics
        self._discovery = b"" if discovery is None else encode(discovery)
        self._downsampler = downsampler
        self._heartbeat_ns = round(heartbeat_s * 1e9)
        self._looks_first, self._step_ns = is_first, round(step_s * 1e9)
        self._birth_jitter_s = birth_jitter_s
        self._states: EntityStates | None = None
        self._sent_ns: int | None = None  # in the estimates' time
        self._announce_ns: int | None = None
        self._clear_old_ns: int | None = None

    @staticmethod
    def subscriptions(topics: Topics) -> list[str]:
        """What has to be subscribed to for it."""
        return [topics.address(topic) for topic in (table.HA_STATUS, table.OLD_DISCOVERY)]

    def connected(self, now_ns: int) -> None:
        """The broker is there: announce the node."""
        self._announce_ns = now_ns
        if self._looks_first:
            self._looks_first, self._announce_ns = False, now_ns + self._step_ns
        self.keep_up(now_ns)

    def announce_soon(self, now_ns: int) -> None:
        """Home Assistant has started. A house full of nodes must not announce themselves all at once."""
        self._announce_ns = now_ns + round(random.uniform(0, self._birth_jitter_s) * 1e9)

    def publish(self, estimate: Estimate, *, online: bool) -> None:
        """Let an estimate count; send what changed by it if the broker is there."""
        if not self._discovery:
            return
        before, self._states = self._states, self._downsampler.step(estimate)
        if online and (self._states != before or self._is_due(estimate.captured_ns)):
            self._sent_ns = estimate.captured_ns
            self.resend()

    def resend(self) -> None:
        """Send the states once more: somebody may not have them."""
        if self._states is not None:
            self._send(table.HOME_ASSISTANT, encode(self._states))

    def handle(self, message: Message, now_ns: int) -> bool:
        """Take what was announced in former times; whether the message was that."""
        if message.address != self._topics.address(table.OLD_DISCOVERY):
            return False
        if _is_affectds(message.payload):
            self._take_over(now_ns)
        return True

    def keep_up(self, now_ns: int) -> None:
        """Announce the node if that is due."""
        if self._announce_ns is not None and now_ns >= self._announce_ns:
            self._announce_ns = None
            self._send(table.DISCOVERY, self._discovery)
            self.resend()
        if self._clear_old_ns is not None and now_ns >= self._clear_old_ns:
            self._clear_old_ns = None
            self._send(table.OLD_DISCOVERY, b"")

    def _take_over(self, now_ns: int) -> None:
        """Two announcements must not claim the same entities at a time: the old one lets go, the new one takes them."""
        if self._announce_ns is None:
            self._send(table.DISCOVERY, b"")
        self._link.send(Message(self._topics.address(table.OLD_DISCOVERY), _HAND_OVER, qos=1))
        self._announce_ns, self._clear_old_ns = now_ns + self._step_ns, now_ns + 2 * self._step_ns

    def _is_due(self, captured_ns: int) -> bool:
        # Not between: the source was replayed from its start.
        return self._sent_ns is None or not 0 <= captured_ns - self._sent_ns < self._heartbeat_ns

    def _send(self, topic: Topic, payload: bytes) -> None:
        self._link.send(Message(self._topics.address(topic), payload, topic.qos, topic.retain))


def _is_affectds(announcement: bytes) -> bool:
    """Any device of the house may have that address."""
    try:
        return bool(json.loads(announcement)["origin"]["name"] == "affectd")
    except (ValueError, TypeError, KeyError, RecursionError):
        return False
