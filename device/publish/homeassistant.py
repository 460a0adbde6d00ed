"""What Home Assistant is told: one retained discovery message for the whole device."""

from __future__ import annotations

from dataclasses import dataclass

from device.publish import topics as table
from device.publish.episodes import Kind
from device.publish.payload import Json
from device.publish.topics import Topic, Topics
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN

_EXPIRE_BEATS = 3
"""Missed heartbeats after which an entity counts as unavailable: a stuck process never triggers its last will."""

_LONGEST_STATE = 250
"""Characters. Home Assistant takes no state of more than 255."""

_KNOWN = f"value_json.label != '{UNKNOWN}'"
"""Somebody looks or listens. While nobody does, the states are "None", which is Home Assistant's word for unknown."""

_NOISY: Json = {"enabled_by_default": False}
"""Of what changes with every message, or stands elsewhere, too: for who asks for it."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """What the node has. An entity of anything else would stay unknown for ever, or refuse when it is pressed."""

    face: bool = True
    speech: bool = True
    temperature: bool = True
    throttling: bool = True
    restart: bool = True


EVERYTHING = Equipment()


@dataclass(frozen=True, slots=True)
class Device:
    """What people read of the node; an empty ``name`` stands for affectd and the node's id."""

    version: str
    name: str = ""
    area: str = ""
    hardware: str = ""


def discovery(
    topics: Topics,
    device: Device,
    *,
    has: Equipment = EVERYTHING,
    heartbeat_s: float = 10.0,
    health_period_s: float = 60.0,
) -> Json:
    """The payload of the discovery topic. The periods are those of the entities' states and of ``health``.

    What the node has not is named with its platform alone: that removes what an earlier setting has announced.
    """
    entities = _Entities(topics, round(_EXPIRE_BEATS * heartbeat_s), round(_EXPIRE_BEATS * health_period_s))
    return {
        "device": {
            "identifiers": [f"affectd_{topics.node}"],
            "name": device.name or f"affectd {topics.node}",
            "manufacturer": "affectd",
            "model": "Emotion from face and voice",
            "sw_version": device.version,
            **({"hw_version": device.hardware} if device.hardware else {}),
            **({"suggested_area": device.area} if device.area else {}),
        },
        "origin": {"name": "affectd", "sw_version": device.version},
        "availability_mode": "all",
        "availability": [_available(topics, table.STATUS)],
        "components": {
            **entities.estimate(),
            **_if(has.face, entities.sense("face", "camera", table.CAMERA) | entities.frame_rate()),
            **_if(has.speech, entities.sense("speech", "microphone", table.MICROPHONE)),
            **entities.controls(),
            **_if(has.restart, entities.restart()),
            **_if(has.throttling, entities.throttling()),
            **_if(has.temperature, entities.temperature()),
            **entities.diagnostics(),
        },
    }


def _if(has: bool, components: Json) -> Json:
    return components if has else {key: {"platform": part["platform"]} for key, part in components.items()}


class _Entities:
    """Writes the components of one node."""

    def __init__(self, topics: Topics, state_expires_s: int, health_expires_s: int) -> None:
        self._topics = topics
        self._state_expires_s = state_expires_s
        self._health_expires_s = health_expires_s

    def estimate(self) -> Json:
        """While nothing is looked at they are unavailable, and hold no label that could come back for a moment."""
        looking = {
            "topic": self._topics.address(table.HOME_ASSISTANT),
            "value_template": f"{{{{ 'online' if {_KNOWN} else 'offline' }}}}",
        }
        available = _all_of(_available(self._topics, table.STATUS), looking)
        return {
            "emotion": self._of_state("sensor", "emotion", "Emotion", f"value_json.label if {_KNOWN} else 'None'")
            | available
            | {
                "device_class": "enum",
                "options": [*map(str, EMOTIONS), UNCERTAIN, NOBODY],
                "icon": "mdi:emoticon-outline",
            },
            "confidence": self._of_state(
                "sensor", "confidence", "Confidence", f"value_json.confidence_percent if {_KNOWN} else 'None'"
            )
            | available
            | {"unit_of_measurement": "%", "state_class": "measurement", "icon": "mdi:percent-outline"},
            "valence": self._plane("valence", available),
            "arousal": self._plane("arousal", available),
            "episode": self._episode() | _NOISY,
        }

    def sense(self, modality: str, part: str, topic: Topic) -> Json:
        """Whether somebody is seen or heard, and how what sees or hears is."""
        return {
            f"{modality}_present": self._of_state(
                "binary_sensor",
                f"{modality}_present",
                f"{modality.capitalize()} present",
                f"'ON' if value_json.{modality} else 'OFF' if {_KNOWN} else 'None'",
            )
            | _all_of(_available(self._topics, table.STATUS), _perceives(self._topics, topic)),
            f"{part}_status": self._entity("sensor", f"{part}_status", part.capitalize()) | {
                "state_topic": self._topics.address(topic),
                "value_template": "{{ value_json.state }}",
                "device_class": "enum",
                "options": ["online", "degraded", "offline", "disabled"],
                "json_attributes_topic": self._topics.address(topic),
                "json_attributes_template": "{{ {'reason': value_json.reason} | tojson }}",
                "entity_category": "diagnostic",
            },
        }  # fmt: skip

    def controls(self) -> Json:
        return {
            "privacy": self._entity("switch", "privacy", "Privacy") | {
                "state_topic": self._topics.address(table.PRIVACY_STATE),
                "command_topic": self._topics.address(table.PRIVACY_SET),
                "icon": "mdi:eye-off-outline",
            },
            "self_test": self._button("self-test", "Self-test") | {"entity_category": "diagnostic"},
            "self_test_result": self._entity("sensor", "self_test_result", "Self-test result") | {
                "state_topic": self._topics.address(table.RESPONSE, "self-test"),
                "value_template": "{{ 'passed' if value_json.status == 'ok' "
                f"else (value_json.error or 'failed')[:{_LONGEST_STATE}] }}}}",
                "json_attributes_topic": self._topics.address(table.RESPONSE, "self-test"),
                "json_attributes_template": "{{ (value_json.data or {}) | tojson }}",
                "entity_category": "diagnostic",
                "icon": "mdi:clipboard-check-outline",
            },
        }  # fmt: skip

    def restart(self) -> Json:
        return {
            "restart": self._button("restart", "Restart") | {"device_class": "restart", "entity_category": "config"}
        }

    def frame_rate(self) -> Json:
        return {
            "frame_rate": self._of_health("sensor", "frame_rate", "Frame rate", "value_json.frame_rate_hz")
            | {"unit_of_measurement": "fps", "state_class": "measurement", "icon": "mdi:filmstrip"}
            | {"suggested_display_precision": 1}
            | _NOISY
        }

    def throttling(self) -> Json:
        """What a weak power supply or heat does to a Pi."""
        return {**self._problem("undervoltage", "Undervoltage"), **self._problem("throttled", "Throttled")}

    def temperature(self) -> Json:
        return {
            "temperature": self._of_health(
                "sensor", "temperature", "Temperature", "value_json.soc_temperature_celsius"
            ) | {
                "device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement",
                "suggested_display_precision": 0,
            } | _NOISY
        }  # fmt: skip

    def diagnostics(self) -> Json:
        """When it started is what a restart answers with; the version stands at the device, too."""
        of_info = {"state_topic": self._topics.address(table.INFO), "entity_category": "diagnostic"}
        return {
            "started": self._entity("sensor", "started", "Started") | of_info | {
                "value_template": "{{ value_json.ts }}", "device_class": "timestamp",
            },
            "version": self._entity("sensor", "version", "Version") | of_info | _NOISY | {
                "value_template": "{{ value_json.version }}", "icon": "mdi:tag-outline",
            },
            "model_set": self._entity("sensor", "model_set", "Model set") | of_info | _NOISY | {
                "value_template": "{{ value_json.model_set }}", "icon": "mdi:brain",
            },
            "memory": self._of_health("sensor", "memory", "Memory", "value_json.memory_rss_bytes") | _NOISY | {
                "device_class": "data_size", "unit_of_measurement": "B", "state_class": "measurement",
            },
        }  # fmt: skip

    def _plane(self, key: str, available: Json) -> Json:
        value = f"value_json.{key} if {_KNOWN} else 'None'"
        return self._of_state("sensor", key, key.capitalize(), value) | available | _NOISY | {
            "state_class": "measurement", "suggested_display_precision": 1, "icon": "mdi:axis-arrow",
        }  # fmt: skip

    def _problem(self, flag: str, name: str) -> Json:
        value = f"value_json.{flag}_now"
        shown = f"'None' if {value} is none else 'ON' if {value} else 'OFF'"  # "None" is its word for what is not known
        return {flag: self._of_health("binary_sensor", flag, name, shown) | {"device_class": "problem"}}

    def _episode(self) -> Json:
        """Only what begins or ends now: an update would fire as another event, and one of an outage far too late."""
        now = f"value_json.kind != '{Kind.UPDATE}' and not value_json.backfilled"
        event = (
            "{'event_type': value_json.kind, 'label': value_json.label, 'duration_s': value_json.duration_s} | tojson"
        )
        return self._entity("event", "episode", "Episode") | {
            "state_topic": self._topics.address(table.EVENT),
            "event_types": [str(Kind.START), str(Kind.END)],
            "value_template": f"{{{{ {event} if {now} else '' }}}}",
            "icon": "mdi:emoticon-wink-outline",
        }

    def _entity(self, platform: str, key: str, name: str) -> Json:
        return {"platform": platform, "unique_id": f"affectd_{self._topics.node}_{key}", "name": name}

    def _of_state(self, platform: str, key: str, name: str, value: str) -> Json:
        return self._entity(platform, key, name) | {
            "state_topic": self._topics.address(table.HOME_ASSISTANT),
            "value_template": f"{{{{ {value} }}}}",
            "expire_after": self._state_expires_s,
        }

    def _of_health(self, platform: str, key: str, name: str, value: str) -> Json:
        return self._entity(platform, key, name) | {
            "state_topic": self._topics.address(table.HEALTH),
            "value_template": f"{{{{ {value} }}}}",
            "expire_after": self._health_expires_s,
            "entity_category": "diagnostic",
        }

    def _button(self, verb: str, name: str) -> Json:
        return self._entity("button", verb.replace("-", "_"), name) | {
            "command_topic": self._topics.address(table.REQUEST, verb),
            "payload_press": '{"transaction":"home-assistant"}',
        }


def _all_of(*available: Json) -> Json:
    return {"availability_mode": "all", "availability": list(available)}


_IS_THERE = "value_json.state in ('online', 'degraded')"


def _available(topics: Topics, topic: Topic) -> Json:
    return _when(topics, topic, _IS_THERE)


def _perceives(topics: Topics, topic: Topic) -> Json:
    """A sensor that is not believed (a black picture) tells of nobody, and so not that somebody has gone."""
    return _when(topics, topic, f"{_IS_THERE} and not value_json.blind | default(false)")


def _when(topics: Topics, topic: Topic, condition: str) -> Json:
    return {
        "topic": topics.address(topic),
        "value_template": f"{{{{ 'online' if {condition} else 'offline' }}}}",
    }
