"""One node as the broker sees it: the contract's topics in the contract's order, over one link."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from device.errors import AffectdError
from device.health import Health
from device.publish import topics as table
from device.publish.cadence import Cadence, Every
from device.publish.courier import Courier
from device.publish.entities import Entities
from device.publish.episodes import EpisodeEvent, Episodes
from device.publish.flood import Flood
from device.publish.identities import Identities, Identity
from device.publish.message import Message
from device.publish.mqtt import Link
from device.publish.payload import Json, Payloads, encode
from device.publish.requests import Handler, answer, privacy_wish, refusal
from device.publish.topics import Topic, Topics
from device.readings import Estimate

_log = logging.getLogger(__name__)

_REASSERT_S = 1.0
_LISTENING_NS = 20_000_000
"""Of each call of ``poll``. Who answers all of a flood leaves the network's thread no time to take in a wish."""


def subscriptions(topics: Topics, former: Iterable[Identity] = ()) -> list[str]:
    """What a node's link listens to; its own status among it, to correct what others say there.

    At the status of a ``former`` identity it learns whether that left something behind.
    """
    own = [topics.address(topic) for topic in (table.STATUS, table.PRIVACY_SET, table.REQUEST)]
    left = [one.topics().address(table.STATUS) for one in former]
    return list(dict.fromkeys([*own, *Entities.subscriptions(topics), *left]))


def is_privacy_wish(topics: Topics, message: Message) -> bool:
    """What a node's link must lose in no flood: a wish at ``privacy/set`` that can be obeyed."""
    return message.address == topics.address(table.PRIVACY_SET) and privacy_wish(message.payload) is not None


class NodeSink:
    """Publishes estimates and everything else of the contract. All of it runs on the thread that calls it.

    What is retained is kept here by topic and said again, ``online`` last, whenever the broker comes back: while it is
    away nothing but events is stored, because a state of ten minutes ago is no state. The newest state goes out before
    each ``online``, or whoever waits for the node would take up its state of before. ``set_privacy`` is called with
    ``True`` to close camera and microphone; it does so whatever happens, and may then raise ``AffectdError``, which is
    answered. ``entities`` are what Home Assistant is told; what a former one of ``identities`` left is cleared. Call
    ``poll()`` often (ten times a second): requests are answered there. Leaving says ``stopped``, but an exception
    leaves it to the last will: ``offline``.
    """

    def __init__(
        self,
        *,
        link: Link,
        topics: Topics,
        payloads: Payloads,
        cadence: Cadence,
        episodes: Episodes,
        courier: Courier,
        handlers: Mapping[str, Handler],
        set_privacy: Callable[[bool], None],
        entities: Entities,
        identities: Identities,
        state_qos: int = table.STATE.qos,
    ) -> None:
        self._link, self._topics, self._payloads = link, topics, payloads
        self._cadence, self._episodes, self._courier = cadence, episodes, courier
        self._handlers, self._set_privacy = handlers, set_privacy
        self._retained: dict[str, bytes] = {}
        self._entities, self._identities = entities, identities
        self._state = replace(table.STATE, qos=state_qos)
        self._reassert = Every(_REASSERT_S)
        self._challenged = self._by_own_will = False
        self._flood, self._taken = Flood(), 0
        self._online = False
        self._newest: Estimate | None = None

    def __enter__(self) -> Self:
        self._link.open(will=self._message(table.STATUS, encode(self._payloads.status("offline"))))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell(self._episodes.finish())
        if kind is not None and issubclass(kind, Exception):  # SystemExit and KeyboardInterrupt are none
            self._link.break_off()
        else:
            self._link.close(farewell=self._message(table.STATUS, encode(self._payloads.status("stopped"))))
        self._courier.strike_off()

    @property
    def online(self) -> bool:
        """Whether the broker hears us."""
        return self._online

    def publish(self, estimate: Estimate) -> None:
        """Send the state if it is worth it and somebody can hear it; step the episodes."""
        self._newest = estimate
        self._say_if_due(estimate)
        self._entities.publish(estimate, online=self._online)
        self._tell(self._episodes.step(estimate))  # after the state, which somebody waits for

    def set_part(self, part: str, state: str, reason: str | None = None, *, blind: bool = False) -> None:
        """Say how ``camera``, ``microphone``, ``models`` or ``store`` are: online, offline, disabled or degraded.

        ``blind``: signals come, but what they show is not believed.
        """
        self._retain(table.SENSORS[part], encode(self._payloads.part(state, reason, blind=blind)))

    def set_info(self, info: Json) -> None:
        """Say what runs here (``Payloads.info``)."""
        self._retain(table.INFO, encode(info))

    def set_health(self, health: Health) -> None:
        """Say how the appliance is."""
        self._retain(table.HEALTH, encode(self._payloads.health(health)))

    def set_privacy_state(self, active: bool) -> None:
        """Say whether camera and microphone are closed."""
        self._retain(table.PRIVACY_STATE, b"ON" if active else b"OFF")

    def poll(self) -> None:
        """Take what came from the broker: connections, requests, receipts. Never waits."""
        now_ns = time.monotonic_ns()
        while (connected := self._link.connections.take(0)) is not None:
            self._on_connection(connected, now_ns)
        self._obey()
        for _ in range(len(self._link.inbox)):  # what comes in meanwhile waits for the next call
            if (message := self._link.inbox.take(0)) is not None:
                self._taken += 1
                self._on_message(message, now_ns)
            if time.monotonic_ns() - now_ns > _LISTENING_NS:
                break
        self._keep_up(now_ns)

    def _on_connection(self, connected: bool, now_ns: int) -> None:
        self._online = connected
        if not connected:
            return
        self._flood.restart(self._taken + self._link.inbox.dropped, time.monotonic_ns())
        for address, payload in self._retained.items():
            self._link.send(Message(address, payload, qos=1, retain=True))
        self._entities.connected(now_ns)
        self._say_online()
        self._identities.settle()

    def _on_message(self, message: Message, now_ns: int) -> None:
        left_behind = self._clear_what_was_left(message)
        if message.address == self._topics.address(table.STATUS):
            self._on_status(message)
        elif message.address == self._topics.address(table.HA_STATUS):
            self._on_birth(message, now_ns)
        elif left_behind or self._entities.hear(message, now_ns):
            return
        elif message.retain:
            _log.warning("ignored a retained message at %s; publish it without retain", message.address)
        elif message.address == self._topics.address(table.PRIVACY_SET):
            # An empty one is how a retained message is taken away; answers to a flood hold up the wishes in it.
            if message.payload and not self._flood.is_on:
                self._respond("privacy", refusal("privacy/set takes ON (closes camera and microphone) or OFF"))
        elif verb := self._topics.verb(message.address):
            self._respond(verb, answer(verb, message.payload, self._handlers))

    def _on_status(self, message: Message) -> None:
        # What was retained when we came is older than the `online` that we said since.
        if not message.retain and not self._is_ours(message.payload, "online"):
            self._challenged, self._by_own_will = True, self._is_ours(message.payload, "offline")

    def _obey(self) -> None:
        while (message := self._link.urgent.take(0)) is not None:
            wish = bool(privacy_wish(message.payload))
            if not message.retain:
                self._on_privacy(wish)
            elif wish:  # it leans to closed: somebody sent it while the node was away, and this hour or last year
                _log.warning(
                    "closed by a retained ON at %s: it closes again whenever the node connects", message.address
                )
                self._on_privacy(wish)
            else:
                _log.warning("ignored a retained OFF at %s: only one without retain opens", message.address)

    def _on_privacy(self, wish: bool) -> None:
        try:
            self._set_privacy(wish)
        except AffectdError as error:
            _log.error("%s", error)
            self._respond("privacy", refusal(str(error)))
        finally:  # what could not be remembered is done all the same
            self.set_privacy_state(wish)

    def _on_birth(self, message: Message, now_ns: int) -> None:
        if message.payload == b"online":
            if not message.retain:  # it has just come back, and shows the state of before
                self._say_newest()
            self._entities.announce_soon(now_ns)

    def _clear_what_was_left(self, message: Message) -> bool:
        """Whether it is the status of a former name, which is then cleared if this node wrote it."""
        was_former = False
        for former in self._identities.former:
            if message.address != former.topics().address(table.STATUS) or not message.payload:
                continue
            was_former = True
            if former.wrote(message.payload):
                _log.info("clearing what this node left on the broker as %s", former.node)
                for address in former.left_behind(self._identities.now):
                    self._link.send(Message(address, b"", qos=1, retain=True))
            self._identities.forget(former)
        return was_former

    def _keep_up(self, now_ns: int) -> None:
        if not self._online:
            return
        self._keep_floods_out(now_ns)
        self._entities.keep_up(now_ns)
        # Two nodes with one name correct each other for ever: not more than once a second.
        if self._challenged and self._reassert.due(now_ns):
            self._challenged = False
            self._log_challenge()
            self._say_online()
        self._courier.deliver()

    def _log_challenge(self) -> None:
        node = self._topics.node
        if self._by_own_will:  # the link has told of the connection that broke
            _log.info("the broker gave out the last will of %s, whose connection broke; saying online again", node)
        else:
            # A twin on the broker does this at each of its turns; the link has named it.
            severity = logging.DEBUG if self._link.problem else logging.WARNING
            _log.log(severity, "somebody said that %s is not online; saying it again", node)

    def _keep_floods_out(self, now_ns: int) -> None:
        listen = self._flood.step(self._taken + self._link.inbox.dropped, now_ns)
        if listen is None:
            return
        if not listen:
            _log.warning("requests come in a flood; not listening to any for a while, for privacy's wishes to be heard")
        self._link.listen(self._topics.address(table.REQUEST), wanted=listen)

    def _tell(self, events: list[EpisodeEvent]) -> None:
        for event in events:
            will = event.will()
            self._courier.post(
                self._payloads.event(event),
                will=None if will is None else self._payloads.event(will),
                at_once=self._online,
            )

    def _is_ours(self, payload: bytes, state: str) -> bool:
        try:
            status = json.loads(payload)
            return bool(status["state"] == state and status["boot_id"] == self._payloads.boot_id)
        except (ValueError, TypeError, KeyError, RecursionError):
            return False

    def _say_online(self) -> None:
        self._say_newest()
        self._send(table.STATUS, encode(self._payloads.status("online")))

    def _say_newest(self) -> None:
        self._cadence.restart()
        if self._newest is not None:
            self._say_if_due(self._newest)
        self._entities.say()

    def _say_if_due(self, estimate: Estimate) -> None:
        if self._online and self._cadence.due(estimate):
            self._send(self._state, encode(self._payloads.state(estimate)))

    def _respond(self, verb: str, response: Json) -> None:
        self._link.send(Message(self._topics.address(table.RESPONSE, verb), encode(response), table.RESPONSE.qos))

    def _retain(self, topic: Topic, payload: bytes) -> None:
        self._retained[self._topics.address(topic)] = payload
        if self._online:
            self._send(topic, payload)

    def _send(self, topic: Topic, payload: bytes) -> None:
        self._link.send(self._message(topic, payload))

    def _message(self, topic: Topic, payload: bytes) -> Message:
        return Message(self._topics.address(topic), payload, topic.qos, topic.retain)
