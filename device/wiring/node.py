"""From settings to the node: everything that is published, and what may be requested of it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import replace
from importlib.metadata import version

from device.appliance.main_loop import AppControl
from device.appliance.self_test import BrokerState, SelfTest, StoreState
from device.appliance.state_folder import StateFolder
from device.config.settings import Settings
from device.modalities import MODALITIES
from device.models.sets import ModelSet
from device.monitoring.health import SystemProbe
from device.pipeline.run import ThreadedPipeline
from device.publish import topics as table
from device.publish.contract import Info
from device.publish.downsample import Downsampler
from device.publish.entities import Entities
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, Equipment, discovery
from device.publish.identities import Identities, Identity
from device.publish.mqtt import MqttClient
from device.publish.node import NodeSink, is_privacy_request, subscriptions
from device.publish.outbox_relay import OutboxRelay
from device.publish.payload import Payloads, SystemClock
from device.publish.publish_policy import PublishPolicy
from device.wiring.broker import make_client, make_topics
from device.wiring.fusion import fusion_rule


def make_node(
    settings: Settings, models: ModelSet, client: MqttClient, store: StateFolder, control: AppControl,
    pipeline: ThreadedPipeline,
) -> NodeSink:  # fmt: skip
    """The node as the broker sees it."""
    topics, mqtt, identities = make_topics(settings), settings.mqtt, store.identities
    boot_id = identities.now.boot_id
    equipment = _equipment(pipeline.states, restart=control.supervised)
    test = SelfTest(
        models=models,
        branches=lambda: pipeline.states,
        broker=lambda: BrokerState(client.problem, client.reconnects, client.unsent),
        store=lambda: StoreState(store.problem, store.events.depth, store.events.dropped),
    )
    return NodeSink(
        link=client,
        topics=topics,
        payloads=Payloads(node=settings.node.id, boot_id=boot_id, model_set=models.name, clock=SystemClock()),
        policy=PublishPolicy(heartbeat_s=mqtt.heartbeat_s),
        episodes=Episodes(id_prefix=boot_id[:8]),
        relay=OutboxRelay(link=client, outbox=store.events, address=topics.address(table.EVENT)),
        handlers={"restart": control.restart, "self-test": test},
        set_privacy=control.set_privacy,
        entities=_entities(settings, client, equipment, identities.is_first),
        identities=identities,
        state_qos=mqtt.state_qos,
    )


def make_node_client(settings: Settings, identities: Identities) -> MqttClient:
    """The node's connection to the broker, not yet open."""
    topics = make_topics(settings)
    return make_client(
        settings,
        client_id=f"affectd-{settings.node.id}",
        listening=subscriptions(topics, identities.former),
        is_urgent=lambda message: is_privacy_request(topics, message),
    )


def make_identity(settings: Settings) -> Identity:
    """The node's name, with a new boot id."""
    return Identity(settings.node.id, settings.mqtt.prefix, settings.mqtt.discovery_prefix, uuid.uuid4().hex)


def _equipment(branches: Collection[str], *, restart: bool) -> Equipment:
    machine = SystemProbe().read()
    return Equipment(
        senses=tuple(replace(row.sense, is_here=row.part in branches) for row in MODALITIES),
        temperature=machine.soc_temperature_celsius is not None,
        throttling=machine.throttled_now is not None,
        restart=restart,
    )


def _entities(settings: Settings, client: MqttClient, has: Equipment, is_first: bool) -> Entities:
    mqtt, pace, topics = settings.mqtt, settings.home_assistant, make_topics(settings)
    device = Device(version("affectd"), settings.node.name, settings.node.area, SystemProbe().hardware())
    announcement = discovery(topics, device, has=has, heartbeat_s=mqtt.heartbeat_s, health_period_s=mqtt.health_s)
    return Entities(
        link=client,
        topics=topics,
        discovery=announcement if mqtt.home_assistant else None,
        downsampler=Downsampler(min_interval_s=pace.min_interval_s, off_delay_s=pace.off_delay_s),
        heartbeat_s=mqtt.heartbeat_s,
        is_first=is_first,
    )


def node_info(settings: Settings, models: ModelSet, runtime: str, boot_id: str) -> Info:
    """What runs here: versions, models, runtime, capabilities."""
    payloads = Payloads(node=settings.node.id, boot_id=boot_id, model_set=models.name, clock=SystemClock())
    return payloads.info(
        version=version("affectd"),
        models={card.id: card.sha256 for card in models.cards},
        runtime=runtime,
        capabilities=[settings.node.mode, fusion_rule(settings, models)],
    )
