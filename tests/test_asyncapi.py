import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from equipment import EVERYTHING
from estimates import estimate
from jsonschema import Draft202012Validator

from device.monitoring.health import NodeHealth, SystemProbe
from device.publish.contract import Json, as_json, encode
from device.publish.downsample import Downsampler
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, discovery
from device.publish.payload import MediaClock, Payloads, SystemClock
from device.publish.requests import answer
from device.publish.topics import TABLE, Topics
from device.readings import NOBODY, UNCERTAIN, UNKNOWN

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text(encoding="utf-8"))
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
    assert len(references) > 60
    for reference in references:
        resolved(reference)


def events() -> list[Json]:
    episodes = Episodes(id_prefix="b00t", update_s=2.0)
    steps = [e for tenth in range(60) for e in episodes.step(estimate(tenth / 10, "sad"))]
    wills = [will for e in steps if (will := e.will()) is not None]
    return [as_json(MEDIA.event(e)) for e in [*steps, *wills, *episodes.finish()]]


HEALTH = NodeHealth(SystemProbe().read(), 9.9, {"vision": 1}, {"readings": 0}, {"mqtt": 0})
EXAMPLES: list[tuple[str, Json]] = [
    *(("State", as_json(MEDIA.state(estimate(1, label, speech=True)))) for label in ("happy", UNCERTAIN, NOBODY)),
    ("State", as_json(MEDIA.state(estimate(1, UNKNOWN, reason="privacy")))),
    ("State", as_json(LIVE.state(estimate(1)))),
    *(("Event", event) for event in events()),
    *(("Status", as_json(LIVE.status(state))) for state in ("online", "stopped", "offline")),
    *(
        ("PartStatus", as_json(LIVE.part(state, reason)))
        for state, reason in (("online", None), ("offline", "unplugged"), ("degraded", "full"))
    ),
    ("EntityStates", as_json(Downsampler(min_interval_s=60, off_delay_s=60).step(estimate(1)))),
    ("Health", as_json(LIVE.health(HEALTH))),
    ("Info", as_json(LIVE.info(version="0.1.0", models={"m": "0" * 64}, runtime="r", capabilities=["face", "speech"]))),
    ("Response", as_json(answer("x", b'{"transaction": 1}', {"x": lambda _: {"done": True}}))),
    ("Response", as_json(answer("x", b"no", {}))),
]


@pytest.mark.parametrize(("schema", "payload"), EXAMPLES)
def test_what_the_node_states_is_what_the_document_states(schema: str, payload: Json) -> None:
    as_received = json.loads(encode(payload))
    Draft202012Validator({"$ref": f"#/components/schemas/{schema}", **DOCUMENT}).validate(as_received)


def test_the_announcement_is_what_the_document_states() -> None:
    schema = DOCUMENT["components"]["messages"]["discovery"]["payload"]
    Draft202012Validator(schema).validate(discovery(Topics("kitchen"), Device("0.1.0"), has=EVERYTHING))


def test_the_document_s_schemas_are_made_of_the_contract_s_types() -> None:
    made = subprocess.run([sys.executable, ROOT / "deploy" / "asyncapi.py", "--check"], check=False, timeout=120)
    assert made.returncode == 0, "run: python deploy/asyncapi.py"


def test_the_schema_refuses_what_must_never_leave() -> None:
    leaking = as_json(MEDIA.state(estimate(1))) | {"face_crop": [0] * 48}
    assert not Draft202012Validator({"$ref": "#/components/schemas/State", **DOCUMENT}).is_valid(leaking)
