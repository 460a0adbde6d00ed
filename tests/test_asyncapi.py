import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from estimates import estimate
from jsonschema import Draft202012Validator

from device.health import Health, SystemProbe
from device.publish.downsample import Downsampler
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, discovery
from device.publish.payload import Json, MediaClock, Payloads, SystemClock, encode, entity_states
from device.publish.requests import answer
from device.publish.topics import TABLE, Topics
from device.readings import NOBODY, UNCERTAIN, UNKNOWN

DOCUMENT = yaml.safe_load((Path(__file__).resolve().parents[1] / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
LIVE = Payloads(node="kitchen", boot_id="b00t", model_set="baseline", clock=SystemClock())
MEDIA = Payloads(node="kitchen", boot_id="b00t", model_set="baseline", clock=MediaClock())


def resolved(reference: str) -> Any:
    value = DOCUMENT
    for name in reference.removeprefix("#/").split("/"):
        value = value[name]
    return value


def test_the_document_states_the_table_of_topics() -> None:
    stated = set()
    for operation in DOCUMENT["operations"].values():
        mqtt = operation["bindings"]["mqtt"]
        address = re.sub(r"\{(\w+)\}", r"<\1>", resolved(operation["channel"]["$ref"])["address"])
        stated.add((address, mqtt["qos"], mqtt["retain"], operation["action"] == "receive"))
    assert stated == {(t.pattern, t.qos, t.retain, t.inbound) for t in TABLE}


def test_every_reference_leads_somewhere() -> None:
    references = re.findall(r"'\$ref': '(#[^']+)'", str(DOCUMENT))
    assert len(references) > 80
    for reference in references:
        resolved(reference)


def events() -> list[Json]:
    episodes = Episodes(id_prefix="b00t", update_s=2.0)
    steps = [e for tenth in range(60) for e in episodes.step(estimate(tenth / 10, "sad"))]
    wills = [will for e in steps if (will := e.will()) is not None]
    return [MEDIA.event(e) for e in [*steps, *wills, *episodes.finish()]]


HEALTH = Health(SystemProbe().read(), 9.9, {"vision": 1}, {"readings": 0}, {"mqtt": 0})
EXAMPLES: list[tuple[str, Json]] = [
    *(("state", MEDIA.state(estimate(1, label, speech=True))) for label in ("happy", UNCERTAIN, NOBODY)),
    ("state", MEDIA.state(estimate(1, UNKNOWN, reason="privacy"))),
    ("state", LIVE.state(estimate(1))),
    *(("event", event) for event in events()),
    *(("status", LIVE.status(state)) for state in ("online", "stopped", "offline")),
    *(
        ("part", LIVE.part(state, reason))
        for state, reason in (("online", None), ("offline", "unplugged"), ("degraded", "full"))
    ),
    ("entities", entity_states(Downsampler(min_interval_s=60, off_delay_s=60).step(estimate(1)))),
    ("health", LIVE.health(HEALTH)),
    ("info", LIVE.info(version="0.1.0", models={"m": "0" * 64}, runtime="r", capabilities=["face", "speech"])),
    ("response", answer("x", b'{"transaction": 1}', {"x": lambda _: {"done": True}})),
    ("response", answer("x", b"no", {})),
    ("discovery", discovery(Topics("kitchen"), Device("0.1.0"))),
]


@pytest.mark.parametrize(("schema", "payload"), EXAMPLES)
def test_what_the_node_says_is_what_the_document_says(schema: str, payload: Json) -> None:
    as_received = json.loads(encode(payload))
    Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **DOCUMENT}).validate(as_received)


def test_the_schema_refuses_what_must_never_leave() -> None:
    leaking = MEDIA.state(estimate(1)) | {"face_crop": [0] * 48}
    assert not Draft202012Validator({"$ref": "#/components/schemas/state", **DOCUMENT}).is_valid(leaking)
