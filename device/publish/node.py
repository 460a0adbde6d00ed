"""One node as the broker sees it: the contract's topics in the contract's order, over one link."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Self

from device.errors import AffectdError
from device.monitoring.health import NodeHealth
from device.publish import topics as table
from device.publish.contract import Info, Response, as_json, encode
from device.publish.entities import Entities
from device.publish.episodes import EpisodeEvent, Episodes
from device.publish.flood import Flood
from device.publish.identities import Identities, Identity
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.publish.outbox_relay import OutboxRelay
from device.publish.payload import Payloads
from device.publish.publish_policy import Every, PublishPolicy
from device.publish.requests import Handler, answer, refusal, requested_privacy
from device.publish.status_guard import StatusGuard
from device.publish.topics import Topic, Topics
from device.readings import Estimate

_log = logging.getLogger(__name__)

_LISTENING_NS = 20_000_000
"""Of each call of ``poll``. Who answers all of a flood leaves the network's thread no time for a privacy request."""

_WILL_S = 5.0
"""How often the end that a killed node's next start sends is dated anew; a card is written to each time."""


def subscriptions(topics: Topics, former: Iterable[Identity] = ()) -> list[str]:
    """What a node's link listens to; its own status among it, to correct what others say there.

    At the status of a ``former`` identity it learns whether that left something behind.
    """
    own = [topics.address(topic) for topic in (table.STATUS, table.PRIVACY_SET, table.REQUEST)]
    left = [one.topics().address(table.STATUS) for one in former]
    return list(dict.fromkeys([*own, *Entities.subscriptions(topics), *left]))


def is_privacy_request(topics: Topics, message: Message) -> bool:
    """What a node's link must lose in no flood: a request at ``privacy/set`` that can be obeyed."""
    return message.address == topics.address(table.PRIVACY_SET) and requested_privacy(message.payload) is not None


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
        link: MqttClient,
        topics: Topics,
        payloads: Payloads,
        policy: PublishPolicy,
        episodes: Episodes,
        relay: OutboxRelay,
        handlers: Mapping[str, Handler],
        set_privacy: Callable[[bool], None],
        entities: Entities,
        identities: Identities,
        state_qos: int = table.STATE.qos,
    ) -> None:
        self._link, self._topics, self._payloads = link, topics, payloads
        self._policy, self._episodes, self._relay = policy, episodes, relay
        self._handlers, self._set_privacy = handlers, set_privacy
        self._retained: dict[str, bytes] = {}
        self._entities, self._identities = entities, identities
        self._state = replace(table.STATE, qos=state_qos)
        self._status = StatusGuard(topics.node, payloads.boot_id)
        self._flood, self._taken = Flood(), 0
        self._online = False
        self._newest: Estimate | None = None
        self._will_due = Every(_WILL_S)

    def __enter__(self) -> Self:
        self._link.open(will=self._message(table.STATUS, encode(self._payloads.status("offline"))))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._relay_events(self._episodes.finish())
        if kind is not None and issubclass(kind, Exception):  # SystemExit and KeyboardInterrupt are none
            self._link.abort()
        else:
            self._link.close(final_message=self._message(table.STATUS, encode(self._payloads.status("stopped"))))
        self._relay.acknowledge()

    @property
    def online(self) -> bool:
        """Whether the broker is connected."""
        return self._online

    def publish(self, estimate: Estimate) -> None:
        """Send the state if it is due and the broker is there; step the episodes."""
        self._newest = estimate
        self._publish_if_due(estimate)
        self._entities.publish(estimate, online=self._online)
        self._step_episodes(estimate)  # after the state, which somebody waits for

    def set_part(self, part: str, state: str, reason: str | None = None, *, blind: bool = False) -> None:
        """Say how ``camera``, ``microphone``, ``models`` or ``store`` are: online, offline, disabled or degraded.

        ``blind``: signals come, but what they show is not believed.
        """
        self._retain(table.PART_TOPICS[part], encode(self._payloads.part(state, reason, blind=blind)))

    def set_info(self, info: Info) -> None:
        """Say what runs here (``Payloads.info``)."""
        self._retain(table.INFO, encode(info))

    def set_health(self, health: NodeHealth) -> None:
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
        self._publish_online()
        self._identities.settle()

    def _on_message(self, message: Message, now_ns: int) -> None:
        was_former = self._clear_former(message)
        if message.address == self._topics.address(table.STATUS):
            self._status.see(message)
        elif message.address == self._topics.address(table.HA_STATUS):
            self._on_birth(message, now_ns)
        elif was_former or self._entities.handle(message, now_ns):
            return
        elif message.retain:
            _log.warning("ignored a retained message at %s; publish it without retain", message.address)
        elif message.address == self._topics.address(table.PRIVACY_SET):
            # An empty one is how a retained message is taken away; answers to a flood hold up the requests in it.
            if message.payload and not self._flood.is_on:
                self._respond("privacy", refusal("privacy/set takes ON (closes camera and microphone) or OFF"))
        elif verb := self._topics.verb(message.address):
            self._respond(verb, answer(verb, message.payload, self._handlers))

    def _clear_former(self, message: Message) -> bool:
        """Whether it is the status of a former name, which is then cleared if this node wrote it."""
        left = self._identities.left_at(message)
        for address in left or ():
            self._link.send(Message(address, b"", qos=1, retain=True))
        return left is not None

    def _obey(self) -> None:
        """Do the newest of the privacy requests that wait: each is written to the disk, and a flood has thousands."""
        newest: bool | None = None
        for _ in range(len(self._link.urgent)):
            if (message := self._link.urgent.take(0)) is not None and self._counts(message):
                newest = requested_privacy(message.payload)
        if newest is not None:
            self._on_privacy(newest)

    def _counts(self, message: Message) -> bool:
        """It leans to closed: a retained request was sent while the node was away, and this hour or last year."""
        if not message.retain:
            return True
        if requested_privacy(message.payload):
            _log.warning("closed by a retained ON at %s: it closes again whenever the node connects", message.address)
            return True
        _log.warning("ignored a retained OFF at %s: only one without retain opens", message.address)
        return False

    def _on_privacy(self, requested: bool) -> None:
        try:
            self._set_privacy(requested)
        except AffectdError as error:
            _log.error("%s", error)
            self._respond("privacy", refusal(str(error)))
        finally:  # what could not be remembered is done all the same
            self.set_privacy_state(requested)

    def _on_birth(self, message: Message, now_ns: int) -> None:
        if message.payload == b"online":
            if not message.retain:  # it has just come back, and shows the state of before
                self._publish_newest()
            self._entities.announce_soon(now_ns)

    def _keep_up(self, now_ns: int) -> None:
        if not self._online:
            return
        self._keep_floods_out(now_ns)
        self._entities.keep_up(now_ns)
        if self._status.due(now_ns, link_has_problem=bool(self._link.problem)):
            self._publish_online()
        self._relay.deliver()

    def _keep_floods_out(self, now_ns: int) -> None:
        listen = self._flood.step(self._taken + self._link.inbox.dropped, now_ns)
        if listen is None:
            return
        if not listen:
            _log.warning(
                "messages come in a flood; for a while only the privacy switch is listened to, so that it is heard"
            )
        privacy = self._topics.address(table.PRIVACY_SET)
        others = [address for address in subscriptions(self._topics, self._identities.former) if address != privacy]
        self._link.listen(others, wanted=listen)
        if listen:  # what was said meanwhile of this node's status, or by Home Assistant's start, was not heard
            self._publish_online()
            self._entities.announce_soon(now_ns)

    def _step_episodes(self, estimate: Estimate) -> None:
        events = self._episodes.step(estimate)
        self._relay_events(events)
        will = self._episodes.will()
        if will is not None and not events and self._will_due.due(estimate.captured_ns):
            self._relay.leave(as_json(self._payloads.event(will)))

    def _relay_events(self, events: list[EpisodeEvent]) -> None:
        for event in events:
            will = event.will()
            self._relay.enqueue(
                as_json(self._payloads.event(event)),
                will=None if will is None else as_json(self._payloads.event(will)),
                at_once=self._online,
            )

    def _publish_online(self) -> None:
        self._publish_newest()
        self._send(table.STATUS, encode(self._payloads.status("online")))

    def _publish_newest(self) -> None:
        self._policy.restart()
        if self._newest is not None:
            self._publish_if_due(self._newest)
        self._entities.resend()

    def _publish_if_due(self, estimate: Estimate) -> None:
        if self._online and self._policy.due(estimate):
            self._send(self._state, encode(self._payloads.state(estimate)))

    def _respond(self, verb: str, response: Response) -> None:
        self._link.send(Message(self._topics.address(table.RESPONSE, verb), encode(response), table.RESPONSE.qos))

    def _retain(self, topic: Topic, payload: bytes) -> None:
        self._retained[self._topics.address(topic)] = payload
        if self._online:
            self._send(topic, payload)

    def _send(self, topic: Topic, payload: bytes) -> None:
        self._link.send(self._message(topic, payload))

    def _message(self, topic: Topic, payload: bytes) -> Message:
        return Message(self._topics.address(topic), payload, topic.qos, topic.retain)
