"""The examples do what they say, with the topics, labels and entities of today."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from broker import HOST, Listener, Mosquitto
from equipment import EVERYTHING
from estimates import estimate
from fakes import eventually
from processes import started

from device.publish.contract import as_json, encode
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, discovery
from device.publish.payload import MediaClock, Payloads
from device.publish.topics import EVENT, Topics
from device.readings import EMOTIONS

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
BLUEPRINTS = sorted(path for path in (EXAMPLES / "home-assistant").glob("*.yaml") if path.name != "card.yaml")
NODE = "affectd/kitchen"


class Input(str):
    """``!input NAME``."""


class Blueprint(yaml.SafeLoader):  # type: ignore[misc]
    """YAML with Home Assistant's tag."""


Blueprint.add_constructor("!input", lambda loader, node: Input(loader.construct_scalar(node)))


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path) as running:
        yield running


def test_the_python_example_reports_what_begins_now_and_who_has_gone(broker: Mosquitto, tmp_path: Path) -> None:
    payloads = Payloads(node="kitchen", boot_id="b", model_set="affectd-1", clock=MediaClock())
    episodes = Episodes(id_prefix="b")
    (event,) = [event for tenth in range(40) for event in episodes.step(estimate(tenth / 10, "sad", 0.62))][:1]
    begins = as_json(payloads.event(event))
    command = [sys.executable, EXAMPLES / "react_to_emotion.py", f"{HOST}:{broker.port}", "kitchen"]
    with Listener(broker.port) as house, (tmp_path / "said").open("wb") as out, started(command, stdout=out):
        house.say(f"{NODE}/status", encode(payloads.status("online")), retain=True)
        eventually(lambda: (tmp_path / "said").read_text() == "kitchen is online\n")
        house.say(f"{NODE}/event", encode(begins | {"backfilled": True, "label": "angry"}))
        house.say(f"{NODE}/event", encode(begins))
        house.say(f"{NODE}/status", encode(payloads.status("offline")), retain=True)
        told = "kitchen is online\nsad (62%)\nkitchen is offline\n"
        eventually(lambda: (tmp_path / "said").read_text() == told)


def used(value: Any) -> set[str]:
    """The inputs that a part of a blueprint names."""
    if isinstance(value, Input):
        return {str(value)}
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return {name for one in inside for name in used(one)}


@pytest.mark.parametrize("path", BLUEPRINTS, ids=lambda path: path.stem)
def test_a_blueprint_asks_for_all_that_it_uses_and_knows_our_labels(path: Path) -> None:
    whole = yaml.load(path.read_text(encoding="utf-8"), Blueprint)
    asked = whole.pop("blueprint")["input"]
    assert used(whole) == set(asked)
    labels = {option for one in asked.values() for option in (one["selector"].get("select") or {}).get("options", [])}
    said = {trigger["to"] for trigger in whole["triggers"] if "to" in trigger}
    assert labels | said <= {str(emotion) for emotion in EMOTIONS}


def test_the_card_shows_entities_that_a_node_of_that_name_has() -> None:
    announced = discovery(Topics("living-room"), Device("0.1.0", name="Living Room"), has=EVERYTHING)
    ids = {
        f"{one['platform']}.living_room_{slug(one['name'])}"
        for one in announced["components"].values()
        if "name" in one
    }
    card = yaml.safe_load((EXAMPLES / "home-assistant/card.yaml").read_text(encoding="utf-8"))
    shown = {entity["entity"] for part in card["cards"] for entity in part["entities"]}
    assert len(shown) == 5
    assert shown <= ids


def slug(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


def test_the_node_red_flow_is_wired_and_listens_to_the_contract() -> None:
    flow = json.loads((EXAMPLES / "node-red.json").read_text(encoding="utf-8"))
    by_id = {node["id"]: node for node in flow}
    assert len(by_id) == len(flow)
    assert {to for node in flow for wire in node.get("wires", []) for to in wire} <= by_id.keys()
    (source,) = (node for node in flow if node["type"] == "mqtt in")
    assert source["topic"] == EVENT.pattern.replace("<node>", "+")
    assert by_id[source["broker"]]["type"] == "mqtt-broker"
    labels = {rule["v"] for node in flow for rule in node.get("rules", []) if node.get("property") == "payload.label"}
    assert labels
    assert labels <= {str(emotion) for emotion in EMOTIONS}
