"""Entities in Home Assistant, and what they show of a node's messages."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from discovery import TOPICS, message
from equipment import EVERYTHING
from estimates import estimate
from jinja2 import Environment, StrictUndefined

from device.monitoring.health import NodeHealth, SystemProbe
from device.publish.contract import Json, as_json, encode
from device.publish.downsample import Downsampler
from device.publish.episodes import EPISODIC, Episodes
from device.publish.homeassistant import Device, Equipment, discovery
from device.publish.payload import MediaClock, Payloads
from device.publish.requests import Unsound, answer
from device.publish.topics import PART_TOPICS, TABLE, Topics
from device.readings import EMOTIONS, NOBODY, UNCERTAIN

INFO = "home/affectd/kitchen/info"


def payloads_by_topic(
    *, label: str = "happy", temperature: float | None = 51.25, undervoltage: bool | None = False, part: str = "online"
) -> dict[str, Any]:
    """A real payload of each topic that is not a bare word."""
    payloads = Payloads(node="kitchen", boot_id="b", model_set="baseline", clock=MediaClock())
    machine = replace(
        SystemProbe().read(),
        soc_temperature_celsius=temperature,
        undervoltage_now=undervoltage,
        throttled_now=undervoltage,
    )
    states = Downsampler(min_interval_s=60, off_delay_s=60).step(estimate(0, label, 0.63, speech=True))
    by_topic = {
        "homeassistant": as_json(states),
        "health": as_json(payloads.health(NodeHealth(machine, 9.94, {}, {}, {}))),
        "info": as_json(payloads.info(version="0.1.0", models={}, runtime="r", capabilities=[])),
        "status": as_json(payloads.status("online")),
        "response/self-test": as_json(answer("self-test", b"{}", {"self-test": lambda _: {"models": "face, speech"}})),
        **{f"status/{name}": as_json(payloads.part(part, "unplugged")) for name in PART_TOPICS},
    }
    return {f"home/affectd/kitchen/{topic}": json.loads(encode(payload)) for topic, payload in by_topic.items()}


def rendered(template: str, payload: Any) -> str:
    """As Home Assistant does; what is missing in a payload is an error here."""
    return Environment(undefined=StrictUndefined).from_string(template).render(value_json=payload, value=payload)


def shown(payloads: dict[str, Any], has: Equipment = EVERYTHING) -> dict[str, str]:
    """The state of each entity, or `unavailable`."""
    announced = message(has)
    states = {}
    for key, component in announced["components"].items():
        topic = component.get("state_topic")
        if topic not in payloads:
            continue
        available = all(
            rendered(one["value_template"], payloads[one["topic"]]) == "online"
            for one in component.get("availability", announced["availability"])
        )
        states[key] = rendered(component["value_template"], payloads[topic]) if available else "unavailable"
    return states


def test_what_changes_all_the_time_has_to_be_enabled() -> None:
    quiet = {key for key, one in message()["components"].items() if one.get("enabled_by_default") is False}
    assert quiet == {
        "valence", "arousal", "episode", "temperature", "frame_rate", "version", "model_set", "memory",
    }  # fmt: skip


def test_two_nodes_in_one_house_have_no_id_in_common() -> None:
    ids = [
        component.get("unique_id") or (component["topic"], component["payload"])  # a trigger has no id
        for node in ("kitchen", "hall")
        for component in discovery(Topics(node), Device("0.1.0"), has=EVERYTHING)["components"].values()
    ]
    assert len(set(ids)) == len(ids)


def test_every_topic_is_one_of_the_contract() -> None:
    known = {TOPICS.address(t, verb) for t in TABLE for verb in ("restart", "self-test")}
    named = [v for part in _objects(message()) for k, v in part.items() if k.endswith("topic")]
    assert len(named) > 15
    assert set(named) <= known


def test_every_entity_shows_what_the_node_states() -> None:
    payloads = payloads_by_topic()
    assert shown(payloads) == {
        "emotion": "happy", "confidence": "65", "face_present": "ON", "speech_present": "ON",
        "camera_status": "online", "microphone_status": "online", "frame_rate": "9.94", "undervoltage": "OFF",
        "throttled": "OFF", "valence": "0.5", "arousal": "0.2", "model_set": "baseline",
        "memory": str(payloads["home/affectd/kitchen/health"]["memory_rss_bytes"]),
        "temperature": "51.25", "self_test_result": "passed", "started": payloads[INFO]["ts"],
        "version": "0.1.0",
    }  # fmt: skip


@pytest.mark.parametrize("label", [*map(str, EMOTIONS), UNCERTAIN, NOBODY])
def test_every_label_is_one_of_the_options(label: str) -> None:
    states = shown(payloads_by_topic(label=label))
    assert states["emotion"] == label
    assert label in message()["components"]["emotion"]["options"]


def test_while_nothing_is_looked_at_there_is_no_emotion_and_none_waits_to_come_back() -> None:
    payloads = payloads_by_topic(label="unknown", part="disabled")
    states = shown(payloads)
    assert {states[key] for key in ("emotion", "confidence", "face_present", "speech_present")} == {"unavailable"}
    assert states["camera_status"] == states["microphone_status"] == "disabled"
    blind = replace(estimate(0, NOBODY), label="unknown")
    states_topic = message()["components"]["emotion"]["state_topic"]
    payload = Downsampler(min_interval_s=60, off_delay_s=60).step(blind)
    for key, component in message()["components"].items():
        if component.get("state_topic") == states_topic:  # "off" for a moment would say that somebody has gone
            assert rendered(component["value_template"], payload) == "None", key


def test_a_blind_camera_beside_a_microphone_that_receives_does_not_state_that_somebody_has_gone() -> None:
    payloads = payloads_by_topic(part="degraded")
    camera = next(topic for topic in payloads if topic.endswith("status/camera"))
    assert shown(payloads)["face_present"] == "ON"  # degraded, but it sees: a part of the signals is lost
    payloads[camera]["blind"] = True
    states = shown(payloads)
    assert (states["face_present"], states["speech_present"], states["emotion"]) == ("unavailable", "ON", "happy")
    assert states["camera_status"] == "degraded"


def test_what_the_machine_does_not_report_for_a_moment_is_unknown() -> None:
    states = shown(payloads_by_topic(temperature=None, undervoltage=None))
    assert (states["temperature"], states["undervoltage"]) == ("None", "None")


def test_a_sensor_that_is_lost_gives_the_reason() -> None:
    payloads = payloads_by_topic(part="offline")
    camera = message()["components"]["camera_status"]
    assert shown(payloads)["camera_status"] == "offline"
    attributes = rendered(camera["json_attributes_template"], payloads[camera["json_attributes_topic"]])
    assert json.loads(attributes) == {"reason": "unplugged"}


def test_a_self_test_that_finds_a_fault_shows_it() -> None:
    def find(_request: Mapping[str, Any]) -> Json:
        raise Unsound("camera: offline: " + "it is not there. " * 30, {"camera": "offline"})

    response = json.loads(encode(answer("self-test", b"{}", {"self-test": find})))
    result = message()["components"]["self_test_result"]
    state = rendered(result["value_template"], response)
    assert state.startswith("camera: offline: it is not there")
    assert len(state) <= 255
    assert json.loads(rendered(result["json_attributes_template"], response)) == {"camera": "offline"}


def episode_of(label: str) -> list[dict[str, Any]]:
    """The events of one episode: its start, updates and end."""
    payloads = Payloads(node="kitchen", boot_id="b", model_set="baseline", clock=MediaClock())
    episodes = Episodes(id_prefix="b", update_s=2.0)
    steps = [e for tenth in range(60) for e in episodes.step(estimate(tenth / 10, label))]
    return [as_json(payloads.event(event)) for event in [*steps, *episodes.finish()]]


@pytest.mark.parametrize("label", sorted(EPISODIC))
def test_an_event_fires_when_an_emotion_begins_or_ends_now_and_for_nothing_else(label: str) -> None:
    events = episode_of(label)
    late = [event | {"backfilled": True} for event in events]
    episode = message()["components"]["episode"]
    fired = [rendered(episode["value_template"], event) for event in [*events, *late]]
    assert {event["kind"] for event in events} == {"start", "update", "end"}
    assert [json.loads(one) for one in fired if one] == [
        {
            "event_type": event_type, "label": label, "duration_s": event["duration_s"],
            "peak_confidence": event["peak_confidence"],
        }
        for event_type, event in ((label, events[0]), ("end", events[-1]))
    ]  # fmt: skip
    assert {label, "end"} <= set(episode["event_types"])


def test_a_device_trigger_fires_once_for_the_emotion_that_begins_and_once_at_its_end() -> None:
    events = episode_of("sad")
    late = [event | {"backfilled": True} for event in events]
    triggers = {k: one for k, one in message()["components"].items() if one["platform"] == "device_automation"}
    fired = [
        (key, event["kind"])
        for event in [*events, *late]
        for key, one in triggers.items()
        if rendered(one["value_template"], event) == one["payload"]
    ]
    assert len(triggers) == len(EPISODIC) + 1
    assert fired == [("sad_begins", "start"), ("emotion_ends", "end")]


def test_a_node_that_is_stuck_expires_after_three_missed_heartbeats() -> None:
    components = discovery(TOPICS, Device("0.1.0"), has=EVERYTHING, heartbeat_s=7, health_period_s=30)["components"]
    assert components["emotion"]["expire_after"] == 21
    assert components["temperature"]["expire_after"] == 90


def _objects(value: Any) -> list[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, list):
        return [o for item in value for o in _objects(item)]
    if not isinstance(value, dict):
        return []
    return [value, *(o for item in value.values() for o in _objects(item))]
