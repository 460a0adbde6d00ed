"""The table of topics: each with its QoS, whether it is retained, and which way it goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from device.errors import ConfigError

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_PREFIX = re.compile(rf"{_NAME.pattern}(/{_NAME.pattern}){{0,7}}")


@dataclass(frozen=True, slots=True)
class Topic:
    """One row: ``pattern`` has ``<node>`` and ``<verb>`` where a name goes; ``inbound`` is what the node listens to."""

    pattern: str
    qos: int
    retain: bool
    about: str
    inbound: bool = False


STATUS = Topic(
    "affectd/<node>/status", 1, True,
    '`{"state": "online"｜"stopped"｜"offline", "boot_id", "ts"}`; `offline` is the last will',
)  # fmt: skip
CAMERA = Topic(
    "affectd/<node>/status/camera", 1, True,
    "`online`｜`offline`｜`disabled` (closed)｜`degraded`, with a reason; `blind` while what it shows is not believed",
)  # fmt: skip
MICROPHONE = Topic("affectd/<node>/status/microphone", 1, True, "the same for the microphone")
MODELS = Topic("affectd/<node>/status/models", 1, True, "the same for the models")
STORE = Topic(
    "affectd/<node>/status/store", 1, True,
    "the same for what a restart must find: `degraded` while events or the privacy switch cannot be kept",
)  # fmt: skip
INFO = Topic("affectd/<node>/info", 1, True, "versions, model ids and hashes, capabilities")
STATE = Topic(
    "affectd/<node>/state", 0, False, "the fused estimate (`affectd.state/1`), on change and at least every 10 s"
)
EVENT = Topic(
    "affectd/<node>/event", 1, False,
    "`start`｜`update`｜`end` of an emotion episode; `backfilled` after an outage; `reason` `restart`: the node died",
)  # fmt: skip
HOME_ASSISTANT = Topic(
    "affectd/<node>/homeassistant", 0, False, "`state` for Home Assistant: slower, coarser, and at least every 10 s"
)
HEALTH = Topic("affectd/<node>/health", 1, True, "every 60 s: memory, load, temperature, frame rate, drops, queues")
PRIVACY_SET = Topic(
    "affectd/<node>/privacy/set", 1, False,
    "`ON` closes camera and microphone, `OFF` opens them; retained, `ON` closes and `OFF` is ignored", inbound=True
)  # fmt: skip
PRIVACY_STATE = Topic(
    "affectd/<node>/privacy/state", 1, True,
    "`ON`｜`OFF`: the requested state, which survives a reboot; `disabled` at `status/camera` tells when it is closed",
)  # fmt: skip
REQUEST = Topic(
    "affectd/<node>/request/<verb>", 1, False, '`{"transaction", …arguments}`, at most 4096 bytes', inbound=True
)
RESPONSE = Topic(
    "affectd/<node>/response/<verb>", 1, False, '`{"transaction", "status": "ok"｜"error", "data", "error"}`'
)
DISCOVERY = Topic("homeassistant/device/affectd/<node>/config", 1, True, "Home Assistant device discovery")
OLD_DISCOVERY = Topic("homeassistant/device/<node>/config", 1, True, "where discovery was")
HA_STATUS = Topic(
    "homeassistant/status", 1, False, "Home Assistant's own `online`｜`offline`: discovery is sent again", inbound=True
)

TABLE = (
    STATUS, CAMERA, MICROPHONE, MODELS, STORE, INFO, STATE, EVENT, HOME_ASSISTANT, HEALTH, PRIVACY_SET, PRIVACY_STATE,
    REQUEST, RESPONSE, DISCOVERY, HA_STATUS,
)  # fmt: skip

PART_TOPICS = {"camera": CAMERA, "microphone": MICROPHONE, "models": MODELS, "store": STORE}
"""The parts that have a status of their own."""


@dataclass(frozen=True, slots=True)
class Topics:
    """The addresses of one node. Raises ``ConfigError`` if a name cannot be part of a topic."""

    node: str
    prefix: str = "affectd"
    homeassistant_prefix: str = "homeassistant"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.node):
            raise ConfigError(
                f"node id {self.node!r} cannot be part of a topic; use 1 to 64 letters, digits, '_' or '-'"
            )
        _require_prefix("prefix", self.prefix)
        _require_prefix("discovery_prefix", self.homeassistant_prefix)

    def address(self, topic: Topic, verb: str = "+") -> str:
        """Where the topic is found at this node. A request without a verb is a filter that matches every verb."""
        if topic == HA_STATUS:  # Home Assistant's own, wherever discovery is
            return topic.pattern
        prefix = self.homeassistant_prefix if topic in (DISCOVERY, OLD_DISCOVERY) else self.prefix
        rest = topic.pattern.partition("/")[2]
        return f"{prefix}/{rest.replace('<node>', self.node).replace('<verb>', verb)}"

    def retained(self) -> dict[str, Topic]:
        """What the node leaves on the broker, by address."""
        return {self.address(topic): topic for topic in TABLE if topic.retain}

    def verb(self, address: str) -> str | None:
        """The verb of a request that came in at ``address``; ``None`` if it is none that can be answered."""
        stem, verb = self.address(REQUEST, ""), address.rpartition("/")[2]
        return verb if address == stem + verb and _NAME.fullmatch(verb) else None


def topic_table() -> str:
    """The table as docs/contract.md states it."""
    head = "| topic | QoS / retain | payload |\n|---|---|---|\n"
    return head + "".join(
        f"| `{t.pattern}`{' (in)' if t.inbound else ''} | {t.qos} / {'yes' if t.retain else 'no'} | {t.about} |\n"
        for t in TABLE
    )


def _require_prefix(name: str, prefix: str) -> None:
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"mqtt.{name} {prefix!r} is no topic prefix; use 1 to 8 names of letters, digits, '_' or '-', joined by '/'"
        )
