"""Messages of a fleet, and what a server has counted of them."""

from typing import Literal

from estimates import estimate
from prometheus_client import CollectorRegistry

from device.publish.contract import Event, encode
from device.publish.payload import MediaClock, Payloads
from device.readings import Emotion


def state(node: str, label: str = "happy") -> bytes:
    payloads = Payloads(node=node, boot_id="boot", model_set="affectd-1", clock=MediaClock())
    return encode(payloads.state(estimate(1.0, label)))


def event(node: str, kind: Literal["start", "update", "end"] = "start", label: str = "sad") -> bytes:
    then = "1970-01-01T00:00:01.000Z"
    return encode(
        Event(
            node=node,
            boot_id="boot",
            ts=then,
            mono_ns=1,
            clock_synced=None,
            kind=kind,
            id="boot-1",
            label=Emotion(label),
            started_ts=then,
            duration_s=0,
            confidence=0.5,
            peak_confidence=0.5,
            mean_confidence=0.5,
            backfilled=False,
        )
    )


def value(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(f"affectd_fleet_{name}", labels) or 0.0
