"""What a server counts of a fleet's messages."""

import json

import pytest
from fleet_messages import event, state, value
from prometheus_client import CollectorRegistry

from desktop_server.fleet.metrics import MAX_NODES, FleetMetrics
from device.publish.contract import encode
from device.publish.message import Message

pytestmark = pytest.mark.slow


def hear(metrics: FleetMetrics, *said: tuple[str, bytes]) -> None:
    for address, payload in said:
        metrics.observe(Message(address, payload))


def test_states_and_events_are_counted() -> None:
    registry = CollectorRegistry()
    late = json.loads(state("kitchen", "nobody")) | {"latency_ms": {"capture_to_publish": 80.0}}
    hear(
        FleetMetrics(registry, prefix="home/affectd"),
        ("home/affectd/kitchen/state", state("kitchen", "happy")),
        ("home/affectd/kitchen/state", encode(late)),
        ("home/affectd/kitchen/state", state("kitchen", "unknown")),
        ("home/affectd/kitchen/event", event("kitchen", "start", "sad")),
        ("home/affectd/kitchen/event", event("kitchen", "update", "sad")),
        ("home/affectd/kitchen/event", event("kitchen", "end", "sad")),
    )
    told = {
        (name, *labels.values()): value(registry, name, **labels)
        for name, labels in [
            ("estimates_total", {"node": "kitchen", "label": "happy"}),
            ("estimates_total", {"node": "kitchen", "label": "nobody"}),
            ("estimates_total", {"node": "kitchen", "label": "unknown"}),
            ("present_total", {"node": "kitchen", "modality": "face"}),
            ("present_total", {"node": "kitchen", "modality": "speech"}),
            ("episodes_total", {"node": "kitchen", "label": "sad"}),
            ("capture_to_publish_seconds_count", {"node": "kitchen"}),
            ("capture_to_publish_seconds_sum", {"node": "kitchen"}),
        ]
    }
    assert list(told.values()) == [1, 1, 1, 1, 0, 1, 1, 0.08]


@pytest.mark.parametrize(
    ("address", "payload"),
    [
        ("affectd/garden/state", state("kitchen")),
        ("affectd/kitchen/event", state("kitchen")),
        ("elsewhere/kitchen/state", state("kitchen")),
    ],
)
def test_a_message_on_another_nodes_topic_is_not_counted(address: str, payload: bytes) -> None:
    registry = CollectorRegistry()
    hear(FleetMetrics(registry), (address, payload))
    assert value(registry, "refused_total", reason="misplaced") == 1


def test_the_number_of_counted_nodes_is_bounded() -> None:
    registry = CollectorRegistry()
    names = [f"n{number}" for number in range(MAX_NODES + 10)]
    hear(FleetMetrics(registry), *((f"affectd/{name}/event", event(name)) for name in [*names, names[0]]))
    assert value(registry, "refused_total", reason="too-many-nodes") == 10
    assert value(registry, "episodes_total", node="n0", label="sad") == 2
