"""A node's sink at a real broker, with everything behind it but sensors and nets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from broker import HOST, Mosquitto
from equipment import EVERYTHING

from device.monitoring.health import NodeHealth, SystemProbe
from device.publish import topics as table
from device.publish.broker import BrokerAddress
from device.publish.contract import Json
from device.publish.downsample import Downsampler
from device.publish.entities import Entities
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, discovery
from device.publish.identities import Identities, Identity
from device.publish.mqtt import MqttClient
from device.publish.node import NodeSink, is_privacy_request, subscriptions
from device.publish.outbox import Outbox
from device.publish.outbox_relay import OutboxRelay
from device.publish.payload import Clock, MediaClock, Payloads
from device.publish.publish_policy import PublishPolicy
from device.publish.requests import Handler
from device.publish.topics import Topics

TOPICS = Topics("kitchen")
DEVICE = Device("0.1.0")
MEDIA_CLOCK = MediaClock()


def self_test(request: Mapping[str, Any]) -> Json:
    return {"passed": True, "asked": request.get("what")}


@contextmanager
def node(
    broker: Mosquitto,
    folder: Path,
    *,
    boot_id: str = "boot-1",
    protocol: str = "5",
    handlers: Mapping[str, Handler] | None = None,
    set_privacy: Callable[[bool], None] = lambda _: None,
    home_assistant: bool = True,
    topics: Topics = TOPICS,
    is_first: bool = False,
    state_qos: int = 0,
    device: Device = DEVICE,
    clock: Clock = MEDIA_CLOCK,
) -> Iterator[NodeSink]:
    """All that is between an estimate and a broker, wired as the appliance wires it."""
    now = Identity(topics.node, topics.prefix, topics.homeassistant_prefix, boot_id)
    identities = Identities(folder / "identities.json", now)
    link = MqttClient(
        BrokerAddress(HOST, broker.port, protocol),
        client_id=f"affectd-{topics.node}",
        subscriptions=subscriptions(topics, identities.former),
        is_urgent=lambda message: is_privacy_request(topics, message),
    )
    entities = Entities(
        link=link,
        topics=topics,
        discovery=discovery(topics, device, has=EVERYTHING) if home_assistant else None,
        downsampler=Downsampler(min_interval_s=1.0, off_delay_s=1.0),
        is_first=is_first,
        birth_jitter_s=0.0,
        step_s=0.2,
    )
    payloads = Payloads(node=topics.node, boot_id=boot_id, model_set="baseline", clock=clock)
    with (
        Outbox(folder / "outbox.sqlite") as outbox,
        NodeSink(
            link=link,
            topics=topics,
            payloads=payloads,
            policy=PublishPolicy(),
            episodes=Episodes(id_prefix=boot_id),
            relay=OutboxRelay(link=link, outbox=outbox, address=topics.address(table.EVENT)),
            handlers={"self-test": self_test} if handlers is None else handlers,
            set_privacy=set_privacy,
            entities=entities,
            identities=identities,
            state_qos=state_qos,
        ) as sink,
    ):
        sink.set_info(payloads.info(version="0.1.0", models={"m": "0" * 64}, runtime="r", capabilities=["face"]))
        for part in ("camera", "microphone", "models", "store"):
            sink.set_part(part, "online")
        sink.set_health(NodeHealth(SystemProbe().read(), None, {}, {}, {}))
        sink.set_privacy_state(False)
        yield sink
