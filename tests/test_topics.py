from pathlib import Path

import pytest

from device.errors import ConfigError
from device.publish import topics as table
from device.publish.topics import Topics, topic_table

CONTRACT = Path(__file__).resolve().parents[1] / "docs" / "contract.md"


def test_every_topic_has_an_address_below_its_own_prefix() -> None:
    topics = Topics("kitchen", prefix="home/mood", homeassistant_prefix="ha")
    assert topics.address(table.CAMERA) == "home/mood/kitchen/status/camera"
    assert topics.address(table.REQUEST) == "home/mood/kitchen/request/+"
    assert topics.address(table.RESPONSE, "self-test") == "home/mood/kitchen/response/self-test"
    assert topics.address(table.DISCOVERY) == "ha/device/affectd/kitchen/config"
    assert topics.address(table.HA_STATUS) == "homeassistant/status"


def test_what_states_how_things_are_is_retained_and_what_happens_is_not() -> None:
    retained = {t.pattern.removeprefix("affectd/<node>/") for t in table.TABLE if t.retain}
    assert retained == {
        "status", "status/camera", "status/microphone", "status/models", "status/store", "info", "health",
        "privacy/state", "homeassistant/device/affectd/<node>/config",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("address", "verb"),
    [
        ("affectd/kitchen/request/self-test", "self-test"),
        ("affectd/kitchen/request/", None),
        ("affectd/kitchen/request/a/b", None),
        ("affectd/other/request/restart", None),
        ("affectd/kitchen/request/" + "v" * 65_000, None),
        ("affectd/kitchen/request/ü", None),
    ],
)
def test_a_request_is_known_by_its_verb(address: str, verb: str | None) -> None:
    assert Topics("kitchen").verb(address) == verb


@pytest.mark.parametrize("node", ["", "a/b", "kitchen.local", "a" * 65, "küche", "+", "a\n"])
def test_a_node_that_cannot_be_part_of_a_topic_is_refused(node: str) -> None:
    with pytest.raises(ConfigError, match="node id"):
        Topics(node)


@pytest.mark.parametrize(
    "prefix", ["", "/affectd", "affectd/", "a//b", "a/+", "#", "$SYS", "a b", "a\n", "/".join("a" * 9)]
)
def test_a_prefix_that_cannot_be_part_of_a_topic_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.prefix"):
        Topics("kitchen", prefix=prefix)


def test_a_prefix_is_called_as_in_the_settings() -> None:
    with pytest.raises(ConfigError, match=r"mqtt\.discovery_prefix"):
        Topics("kitchen", homeassistant_prefix="#")


def test_the_contract_s_page_states_the_table() -> None:
    assert topic_table() in CONTRACT.read_text(encoding="utf-8")
