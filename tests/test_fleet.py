import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from appliance import HAPPY_CLIP, running, write_config
from broker import HOST, Listener, Mosquitto, free_port
from estimates import estimate
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("fastapi", reason="the server's packages are not there: pip install 'affectd[server]'")
httpx = pytest.importorskip("httpx", reason="the tests' packages are not there: pip install 'affectd[test]'")
uvicorn = pytest.importorskip("uvicorn", reason="the server's packages are not there: pip install 'affectd[server]'")

from fastapi import FastAPI  # noqa: E402 - they may be missing

from desktop_server.fleet.listener import FleetListener  # noqa: E402
from desktop_server.fleet.view import fleet_node  # noqa: E402
from desktop_server.http.background import background_tasks  # noqa: E402
from desktop_server.http.fleet import fleet_listener, router  # noqa: E402
from desktop_server.schema.fleet import FleetNode  # noqa: E402
from device.errors import ConfigError  # noqa: E402
from device.publish.broker import BrokerAddress  # noqa: E402
from device.publish.contract import Json, NodeState, as_json, encode  # noqa: E402
from device.publish.message import Message  # noqa: E402
from device.publish.payload import MediaClock, Payloads  # noqa: E402
from device.watch.node_registry import TYPES, NodeRegistry  # noqa: E402

SECOND_NS = 1_000_000_000
PAYLOADS = Payloads(node="kitchen", boot_id="b", model_set="affectd-1", clock=MediaClock())


class Page:
    """A browser that reads the events, as they come over a real connection."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The nodes by name, as soon as they are so."""
        async for line in self._lines:
            if line.startswith("data:"):
                nodes = {node["name"]: node for node in json.loads(line.removeprefix("data:"))["nodes"]}
                if condition(nodes):
                    return nodes
        raise AssertionError("the server ended the events")


@asynccontextmanager
async def served(fleet: FleetListener | None) -> AsyncIterator[str]:
    """The fleet behind a real HTTP server; its address."""
    background = background_tasks([fleet] if fleet else [])
    app, port = FastAPI(lifespan=lambda _app: background), free_port()
    app.include_router(router)
    app.dependency_overrides[fleet_listener] = lambda: fleet
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=port, log_level="error", timeout_graceful_shutdown=1))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://{HOST}:{port}"
    server.should_exit = True
    await serving


@asynccontextmanager
async def watching(broker: Mosquitto) -> AsyncIterator[Page]:
    async with (
        served(FleetListener(BrokerAddress(HOST, broker.port))) as address,
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", f"{address}/v1/fleet/events") as events,
    ):
        assert events.headers["content-type"].startswith("text/event-stream")
        yield Page(events.aiter_lines())


def test_messages_are_processed_in_steps_so_that_requests_are_answered_meanwhile() -> None:
    listener = FleetListener(BrokerAddress(HOST, 1883))
    for number in range(600):
        listener._client.inbox.put(Message(f"affectd/node{number % 4}/state", b"{}"))
    assert [listener.drain(SECOND_NS) for _ in range(3)] == [512, 88, 0]
    assert len(listener.snapshot().nodes) == 4


def told(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, 60))


def has_spoken(node: dict[str, Any]) -> bool:
    """Whether each kind of a node's messages has come: nothing promises that the health comes before the estimate."""
    return all(node[kind] for kind in ("estimate", "info", "health", "store"))


@pytest.mark.slow
def test_two_nodes_are_seen_and_when_one_dies_its_last_will_is(tmp_path: Path) -> None:
    def config(node: str, port: int) -> Path:
        folder = tmp_path / node
        folder.mkdir()
        replay = {"media": [str(HAPPY_CLIP)], "loop": True}
        return write_config(folder, node={"id": node}, replay=replay, mqtt={"host": HOST, "port": port})

    async def story(broker: Mosquitto) -> None:
        with running(config("kitchen", broker.port)) as kitchen, running(config("study", broker.port)):
            async with watching(broker) as page:
                both = await page.until(lambda seen: len(seen) == 2 and all(map(has_spoken, seen.values())))
                assert {node["state"] for node in both.values()} == {"online"}
                models = [model["id"] for model in both["kitchen"]["info"]["models"]]
                assert {"affectd-1-face", "affectd-1-speech"} <= set(models)
                assert both["kitchen"]["health"]["memory_rss_bytes"] > 1e6
                assert both["kitchen"]["store"]["state"] == "online"
                kitchen.kill()
                one = await page.until(lambda seen: seen["kitchen"]["state"] == "offline")
                assert one["kitchen"]["estimate"] is None
                assert one["kitchen"]["boot_id"] == both["kitchen"]["boot_id"]
                assert one["study"]["state"] == "online"

    with Mosquitto(tmp_path) as broker:
        told(story(broker))


@pytest.mark.slow
def test_retained_messages_are_shown_but_are_no_sign_of_life(tmp_path: Path) -> None:
    async def story(broker: Mosquitto) -> None:
        with Listener(broker.port) as nodes:
            nodes.say("affectd/attic/status", encode(PAYLOADS.status("stopped")), retain=True)
            nodes.say("affectd/attic/privacy/state", b"ON", retain=True)
            nodes.say("affectd/infer/a-model/request", b"{}", retain=True)  # no node's
            async with watching(broker) as page:
                seen = await page.until(lambda seen: "attic" in seen and seen["attic"]["privacy"])
        assert list(seen) == ["attic"]
        assert seen["attic"]["state"] == "stopped"
        assert seen["attic"]["last_word_ts"] is None

    with Mosquitto(tmp_path) as broker:
        told(story(broker))


@pytest.mark.slow
def test_without_a_broker_the_answer_says_why_and_that_nothing_is_known(tmp_path: Path) -> None:
    async def story(broker: Mosquitto) -> None:
        fleet = FleetListener(BrokerAddress(HOST, broker.port))
        async with served(fleet) as address, httpx.AsyncClient() as client:
            with Listener(broker.port) as nodes:
                nodes.say("affectd/attic/status", encode(PAYLOADS.status("online")), retain=True)
            while not fleet.snapshot().nodes:
                await asyncio.sleep(0.01)
            broker.kill()
            while (answer := (await client.get(f"{address}/v1/fleet")).json())["broker"]["connected"]:
                await asyncio.sleep(0.01)
        assert answer["broker"]["problem"]
        assert [node["state"] for node in answer["nodes"]] == ["unknown"]

    with Mosquitto(tmp_path) as broker:
        told(story(broker))


def test_a_server_that_listens_to_no_broker_says_so() -> None:
    async def story() -> None:
        async with served(None) as address, httpx.AsyncClient() as client:
            once = (await client.get(f"{address}/v1/fleet")).json()
            assert (once["broker"], once["nodes"]) == (None, [])
            assert (await client.get(f"{address}/v1/fleet/events")).text.startswith("data:")

    told(story())


def test_a_broker_address_that_cannot_be_used_is_told_at_the_start() -> None:
    with pytest.raises(ConfigError, match="port"):
        FleetListener(BrokerAddress(HOST, 0))


def registry_of(*messages: tuple[str, Json | bytes]) -> NodeRegistry:
    """A nodes in which a node has just said this."""
    nodes = NodeRegistry("affectd")
    for topic, payload in messages:
        raw = payload if isinstance(payload, bytes) else encode(payload)
        nodes.update(Message(f"affectd/kitchen/{topic}", raw, 0, retain=False), 0)
    return nodes


def seen_after(nodes: NodeRegistry, seconds: float) -> FleetNode:
    return fleet_node(
        nodes.nodes["kitchen"],
        round(seconds * SECOND_NS),
        since_ns=0,
        timestamp=lambda ns: None if ns is None else "then",
    )


LIVING = (("status", as_json(PAYLOADS.status("online"))), ("state", as_json(PAYLOADS.state(estimate(0, "happy", 0.8)))))


def test_a_node_that_is_stuck_behind_its_online_is_called_silent() -> None:
    assert seen_after(registry_of(*LIVING), 29).state == "online"
    stuck = seen_after(registry_of(*LIVING), 31)
    assert (stuck.state, stuck.estimate, stuck.estimate_ts) == ("silent", None, "then")


@pytest.mark.parametrize("state", ["stopped", "offline"])
def test_parts_of_an_offline_node_are_not_online(state: NodeState) -> None:
    parts: list[tuple[str, Any]] = [
        (f"status/{part}", as_json(PAYLOADS.part("online", None))) for part in ("camera", "microphone", "models")
    ]
    said: list[tuple[str, Any]] = [*LIVING, *parts, ("privacy/state", b"ON")]
    there, away = (
        seen_after(registry_of(*said, *more), 1) for more in ((), (("status", as_json(PAYLOADS.status(state))),))
    )
    assert there.camera is not None
    assert (away.camera, away.microphone, away.models, away.health) == (None, None, None, None)
    assert away.privacy is True  # that outlives it: it will start with closed sensors
    silent = seen_after(registry_of(*said), 31)
    assert (silent.state, silent.camera) == ("silent", None)


def test_a_late_will_of_an_earlier_boot_is_ignored() -> None:
    late = {**as_json(PAYLOADS.status("offline")), "boot_id": "the one before"}
    assert seen_after(registry_of(*LIVING, ("status", late)), 1).state == "online"


def test_payloads_against_the_contract_are_listed_as_unreadable() -> None:
    node = seen_after(registry_of(*LIVING, ("state", {"label": "<b>joy</b>"}), ("health", b"[1")), 1)
    assert (node.state, node.estimate, node.health) == ("online", None, None)
    assert node.unreadable == ["state", "health"]


def test_a_node_that_knows_nothing_says_why() -> None:
    closed = as_json(PAYLOADS.state(estimate(0, "unknown", reason="privacy")))
    estimate_ = seen_after(registry_of(*LIVING, ("state", closed)), 1).estimate
    assert estimate_ is not None
    assert (estimate_.label, estimate_.reason, estimate_.confidence) == ("unknown", "privacy", 0)


SCALAR = st.none() | st.booleans() | st.floats() | st.integers() | st.text()
JSON = st.recursive(SCALAR, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@settings(deadline=None)
@pytest.mark.slow
@given(st.sampled_from([*TYPES, "privacy/state", "x"]), JSON | st.binary())
def test_any_published_bytes_become_valid_json(topic: str, payload: Any) -> None:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    node = seen_after(registry_of(*LIVING, (topic, raw)), 1)
    json.loads(node.model_dump_json(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
