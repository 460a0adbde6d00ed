import io
import json
import os
import pty
import select
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from broker import HOST, Listener, Mosquitto, free_port
from estimates import estimate, probabilities
from fakes import eventually
from hypothesis import given, settings
from hypothesis import strategies as st
from processes import line, started
from rich.console import Console

from device.errors import AffectdError
from device.publish.broker import BrokerAddress
from device.publish.contract import as_json, encode
from device.publish.message import Message
from device.publish.payload import MediaClock, Payloads
from device.readings import NOBODY, UNCERTAIN, UNKNOWN, Estimate
from device.watch.node_registry import NodeRegistry
from device.watch.terminal import json_line, watch
from device.watch.watch_view import render

pytestmark = pytest.mark.slow

SECOND_NS = 1_000_000_000
PAYLOADS = Payloads(node="kitchen", boot_id="b", model_set="baseline", clock=MediaClock())


def hear(
    nodes: NodeRegistry, topic: str, payload: Any, at_s: float = 0, *, retain: bool = False, node: str = "kitchen"
) -> None:
    raw = payload if isinstance(payload, bytes) else encode(payload)
    nodes.update(Message(f"affectd/{node}/{topic}", raw, 0, retain), round(at_s * SECOND_NS))


def living_registry(label: str = "happy", *, speech: bool = False) -> NodeRegistry:
    return registry_that_says(estimate(0, label, 0.8, speech=speech))


def registry_that_says(said: Estimate) -> NodeRegistry:
    nodes = NodeRegistry("affectd")
    hear(nodes, "status", as_json(PAYLOADS.status("online")), retain=True)
    hear(nodes, "status/camera", as_json(PAYLOADS.part("online", None)), retain=True)
    hear(nodes, "status/microphone", as_json(PAYLOADS.part("offline", "unplugged")), retain=True)
    hear(nodes, "state", as_json(PAYLOADS.state(said)))
    return nodes


def drawn(
    nodes: NodeRegistry, at_s: float = 0, *, problem: str | None = None, width: int = 80, height: int = 200
) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(render(nodes, round(at_s * SECOND_NS), broker="pi:1883", problem=problem, height=height))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def row(text: str, start: str) -> str:
    return next(line.strip("│ ") for line in text.splitlines() if line.strip("│ ").startswith(start))


def test_a_person_who_smiles_and_speaks() -> None:
    text = drawn(living_registry("happy", speech=True), 0.4)
    assert row(text, "happy     0.80")
    assert "face ×0.50" in text
    assert "speech ×0.50" in text
    assert "fused (average)" in text
    assert "microphone offline (unplugged)" in text
    assert "store" not in text  # of interest only when a restart would lose something
    assert "last message 0.4 s ago" in text
    assert all(f"{name} " in text for name in ("angry", "disgust", "fear", "neutral", "sad", "surprise"))


REMEDY = "broker:1883 refuses the login (Not authorized); check mqtt.username and the password, then restart affectd"


def test_a_remedy_is_never_cut_off() -> None:
    text = drawn(NodeRegistry("affectd"), problem=REMEDY)
    assert " ".join(text.split()).startswith(REMEDY)
    nodes = living_registry()
    hear(nodes, "status/camera", as_json(PAYLOADS.part("offline", REMEDY)))
    assert REMEDY in " ".join(drawn(nodes).replace("│", " ").split())


def test_a_store_that_a_restart_would_not_find_is_reported() -> None:
    nodes = living_registry()
    hear(nodes, "status/store", as_json(PAYLOADS.part("online", None)), retain=True)
    assert "store" not in drawn(nodes, width=120)
    hear(nodes, "status/store", as_json(PAYLOADS.part("degraded", "the disk is full")), retain=True)
    assert "store degraded (the disk is full)" in drawn(nodes, width=120)


def test_it_fits_a_terminal_of_eighty_columns_and_twenty_four_lines() -> None:
    lines = drawn(living_registry()).splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 24


def test_doubt_and_absence_are_reported_in_words() -> None:
    assert row(drawn(living_registry(UNCERTAIN)), "uncertain sad 0.30, below 0.40")
    assert row(drawn(registry_that_says(estimate(0, UNKNOWN, reason="privacy"))), "unknown   privacy")
    nobody = drawn(living_registry(NOBODY))
    assert "no face and no voice" in nobody
    assert "face –" in nobody


@pytest.mark.parametrize(
    ("label", "confidence", "leader", "share", "said"),
    [
        (UNCERTAIN, 0.47, "fear", 0.47, "uncertain fear 0.47, led < 0.5 s"),
        ("happy", 0.2, "fear", 0.47, "happy     0.20  held; fear 0.47"),
        ("fear", 0.39, "fear", 0.39, "fear      0.39 is below 0.40"),
        ("fear", 0.47, "fear", 0.47, "fear      0.47   valence"),
    ],
)
def test_it_is_reported_why_a_likelier_emotion_is_not_reported(
    label: str, confidence: float, leader: str, share: float, said: str
) -> None:
    probs = probabilities(leader, share)
    text = drawn(registry_that_says(replace(estimate(0, label), confidence=confidence, probs=probs)))
    assert row(text, said)
    assert len(text.splitlines()) == len(drawn(living_registry()).splitlines())


def test_a_state_that_is_too_old_is_no_longer_drawn() -> None:
    text = drawn(living_registry(), 31)
    assert "happy 31 s ago; nothing since" in text
    assert "█" not in text


def test_a_node_that_went_offline_is_shown_as_such_with_its_sensors_as_history() -> None:
    nodes = living_registry()
    hear(nodes, "status", as_json(PAYLOADS.status("offline")), 1)
    text = drawn(nodes, 2)
    assert "kitchen · offline" in text
    assert "last known: camera online" in text
    assert "last message 2.0 s ago" in text  # the last will is the broker's word, not the node's


def test_the_late_will_of_an_older_life_is_not_believed() -> None:
    nodes = living_registry()
    hear(nodes, "status", {**as_json(PAYLOADS.status("offline")), "boot_id": "the one before"}, 1)
    assert "kitchen · online" in drawn(nodes, 2)


def test_without_a_broker_nothing_is_known() -> None:
    text = drawn(living_registry(), 1, problem="the broker pi:1883 cannot be reached")
    assert "cannot be reached" in text
    assert "kitchen · not known" in text
    assert "█" not in text


def test_what_is_retained_is_no_sign_of_life() -> None:
    nodes = NodeRegistry("affectd")
    hear(nodes, "status", as_json(PAYLOADS.status("online")), retain=True)
    text = drawn(nodes)
    assert "no estimate heard yet" in text
    assert "not heard since we listen" in text


def test_privacy_is_seen() -> None:
    nodes = living_registry()
    hear(nodes, "privacy/state", b"ON", retain=True)
    assert "privacy on" in drawn(nodes)


def test_many_nodes_become_small_so_that_all_are_seen() -> None:
    nodes = living_registry()
    for node in ("hall", "study"):
        hear(nodes, "state", as_json(PAYLOADS.state(estimate(0))), node=node)
    assert len(drawn(nodes, height=24).splitlines()) <= 24
    assert len(drawn(nodes, height=100).splitlines()) > 24


def test_a_stranger_cannot_steer_the_terminal() -> None:
    nodes = NodeRegistry("affectd")
    said = as_json(PAYLOADS.state(estimate(0, UNKNOWN, reason="\x1b[2J[red]\n")))
    hear(nodes, "state", said, node="\x1b]0;owned\x07")
    hear(nodes, "status", as_json(PAYLOADS.status("online")), node="\x1b]0;owned\x07")
    hear(nodes, "status/camera", as_json(PAYLOADS.part("offline", "\x1b[2J")), node="\x1b]0;owned\x07")
    hear(nodes, "state", {"label": "\x1b[2Jhappy", "fusion": {"rule": "[red]\n"}}, node="x")
    hear(nodes, "status", {"state": "on\rline"}, node="\x1b]0;owned\x07")
    text = drawn(nodes)
    assert "\x1b" not in text
    assert "\x07" not in text


TOPICS = ["state", "status", "health", "info", "status/camera", "privacy/state", "x"]
SCALAR = st.none() | st.booleans() | st.floats() | st.text()
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(deadline=None)
@given(st.sampled_from(TOPICS), JSON | st.binary())
def test_whatever_is_published_is_drawn_or_ignored(topic: str, payload: Any) -> None:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    nodes = living_registry()
    hear(nodes, topic, raw)
    if isinstance(payload, dict):
        hear(nodes, "state", json.dumps({"label": "sad", "probs": payload, "modalities": payload}).encode())
    drawn(nodes)


@pytest.mark.parametrize("absurd", ["NaN", "Infinity", "-1e999", "1" + "0" * 4000, "true", "[1]"])
def test_numbers_that_are_none_are_not_drawn(absurd: str) -> None:
    nodes = living_registry()
    numbers = (
        f'{{"happy": {absurd}, "confidence": {absurd}, "memory_rss_bytes": {absurd}, "dropped": {{"x": {absurd}}}}}'
    )
    hear(nodes, "health", numbers.encode())
    hear(nodes, "state", f'{{"label": "happy", "probs": {numbers}, "confidence": {absurd}}}'.encode())
    assert "inf" not in drawn(nodes)


def test_a_line_is_json_whatever_the_payload() -> None:
    assert json.loads(json_line(Message("a/b/state", b'{"x": 1}', 0, True))) == {
        "topic": "a/b/state", "retain": True, "payload": {"x": 1},
    }  # fmt: skip
    assert json.loads(json_line(Message("a/b/privacy/state", b"ON\xff")))["payload"] == "ON\ufffd"


@pytest.mark.parametrize("payload", ["NaN", '{"x": -Infinity}', "[1e999]"])
def test_a_number_that_json_does_not_have_is_passed_on_as_text(payload: str) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    line = json_line(Message("a/b/state", payload.encode()))
    assert json.loads(line, parse_constant=refuse)["payload"] == payload


def test_without_a_terminal_the_user_is_sent_to_json() -> None:
    with pytest.raises(AffectdError, match="--json"):
        watch(BrokerAddress(HOST, free_port()))


def watching(call: str, stdin: int, stdout: int) -> AbstractContextManager["subprocess.Popen[str]"]:
    script = f"import sys; from device.watch.terminal import *; from device.publish.broker import BrokerAddress; {call}"
    environment = {**os.environ, "TERM": "xterm"}
    return started([sys.executable, "-c", script], stdin=stdin, stdout=stdout, env=environment, text=True)


def test_the_view_lives_in_a_terminal_until_q(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as nodes:
        call = f"watch(BrokerAddress('{HOST}', {broker.port}))"
        with watching(call, theirs, theirs) as process:
            seen = b""
            nodes.say("affectd/kitchen/status", encode(PAYLOADS.status("online")), retain=True)
            nodes.say("affectd/kitchen/state", encode(PAYLOADS.state(estimate(0))), retain=True)
            while b"kitchen" not in seen or b"happy" not in seen:
                assert select.select([ours], [], [], 30)[0], seen
                seen += os.read(ours, 65_536)
            os.write(ours, b"q")
            assert process.wait(10) == 0
    os.close(ours)
    os.close(theirs)


def test_lines_come_as_they_are_published(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker:
        call = f"watch_lines(BrokerAddress('{HOST}', {broker.port}), sys.stdout)"
        with watching(call, subprocess.DEVNULL, subprocess.PIPE) as process, Listener(broker.port) as nodes:
            nodes.say("affectd/kitchen/privacy/state", b"OFF", retain=True)
            heard = json.loads(line(process))
            assert process.stdout is not None
            process.stdout.close()
            nodes.say("affectd/kitchen/state", b"{}")  # into the closed pipe
            eventually(lambda: process.poll() is not None)
    assert (heard["topic"], heard["payload"]) == ("affectd/kitchen/privacy/state", "OFF")
    assert process.returncode == 0


def test_of_topics_that_no_contract_names_nothing_is_kept() -> None:
    nodes = NodeRegistry("affectd")
    for number in range(1000):
        nodes.update(Message(f"affectd/kitchen/status/{number}", b"{}"), number)
    hear(nodes, "status/camera", as_json(PAYLOADS.part("online", None)), 1)
    assert list(nodes.nodes["kitchen"].topics) == ["status/camera"]
