"""Home Assistant's components: the entities of a node, each as one entry of the discovery message."""

from __future__ import annotations

from dataclasses import dataclass

from device.publish import topics as table
from device.publish.contract import Json
from device.publish.episodes import EPISODIC, EpisodeKind
from device.publish.topics import Topic, Topics
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN, Modality

_MAX_STATE = 250
"""Characters. Home Assistant takes no state of more than 255."""

_KNOWN = f"value_json.label != '{UNKNOWN}'"
"""Somebody looks or listens. While nobody does, the states are "None", which is Home Assistant's word for unknown."""

_NOW = f"value_json.kind != '{EpisodeKind.UPDATE}' and not value_json.backfilled"
"""An episode begins or ends now: an update would be another event, and what an outage held back comes far too late."""

_BEGINS_OR_ENDS = f"(value_json.label if value_json.kind == '{EpisodeKind.START}' else value_json.kind)"

_NOISY: Json = {"enabled_by_default": False}
"""Of what changes with every message, or stands elsewhere, too: for who asks for it."""


@dataclass(frozen=True, slots=True)
class Sense:
    """The entities of a modality: whether somebody is there, and how its sensor ``part`` is, by its status topic.

    ``is_here``: the node has it.
    """

    modality: Modality
    part: str
    topic: Topic
    has_frame_rate: bool = False
    is_here: bool = True


class Components:
    """The components of one node, as its discovery message has them. The times are in seconds."""

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
        while_looking = _all_of(available(self._topics, table.STATUS), looking)
        return {
            "emotion": self._of_state("sensor", "emotion", "Emotion", f"value_json.label if {_KNOWN} else 'None'")
            | while_looking
            | {
                "device_class": "enum",
                "options": [*map(str, EMOTIONS), UNCERTAIN, NOBODY],
                "icon": "mdi:emoticon-outline",
            },
            "confidence": self._of_state(
                "sensor", "confidence", "Confidence", f"value_json.confidence_percent if {_KNOWN} else 'None'"
            )
            | while_looking
            | {"unit_of_measurement": "%", "state_class": "measurement", "icon": "mdi:percent-outline"}
            | {"suggested_display_precision": 0},
            "valence": self._plane("valence", while_looking),
            "arousal": self._plane("arousal", while_looking),
            "episode": self._episode() | _NOISY,
        }

    def triggers(self) -> Json:
        """What an automation may start from at the device, without an entity: an emotion begins, or one ends."""
        begin = {f"{label}_begins": self._trigger(EpisodeKind.START, label, label) for label in sorted(EPISODIC)}
        return begin | {"emotion_ends": self._trigger(EpisodeKind.END, "emotion", str(EpisodeKind.END))}

    def sense(self, sense: Sense) -> Json:
        """Whether somebody is there by this modality, and how its sensor is."""
        modality, part, topic = str(sense.modality), sense.part, sense.topic
        return {
            f"{modality}_present": self._of_state(
                "binary_sensor",
                f"{modality}_present",
                f"{modality.capitalize()} present",
                f"'ON' if value_json.{modality} else 'OFF' if {_KNOWN} else 'None'",
            )
            | _all_of(available(self._topics, table.STATUS), _perceives(self._topics, topic)),
            f"{part}_status": self._entity("sensor", f"{part}_status", part.capitalize()) | {
                "state_topic": self._topics.address(topic),
                "value_template": "{{ value_json.state }}",
                "device_class": "enum",
                "options": ["online", "degraded", "offline", "disabled"],
                "json_attributes_topic": self._topics.address(topic),
                "json_attributes_template": "{{ {'reason': value_json.reason} | tojson }}",
                "entity_category": "diagnostic",
            },
            **(self.frame_rate() if sense.has_frame_rate else {}),
        }  # fmt: skip

    def controls(self) -> Json:
        """The privacy switch, the self-test and its result."""
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
                f"else (value_json.error or 'failed')[:{_MAX_STATE}] }}}}",
                "json_attributes_topic": self._topics.address(table.RESPONSE, "self-test"),
                "json_attributes_template": "{{ (value_json.data or {}) | tojson }}",
                "entity_category": "diagnostic",
                "icon": "mdi:clipboard-check-outline",
            },
        }  # fmt: skip

    def restart(self) -> Json:
        """A button."""
        return {
            "restart": self._button("restart", "Restart") | {"device_class": "restart", "entity_category": "config"}
        }

    def frame_rate(self) -> Json:
        """Pictures a second, of ``health``."""
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
        """Of the board, of ``health``."""
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
        """An episode that begins is an event of its emotion's type."""
        told = f"'event_type': {_BEGINS_OR_ENDS}, 'label': value_json.label, 'duration_s': value_json.duration_s"
        event = f"{{{told}, 'peak_confidence': value_json.peak_confidence}} | tojson"
        return self._entity("event", "episode", "Episode") | {
            "state_topic": self._topics.address(table.EVENT),
            "event_types": [*sorted(EPISODIC), str(EpisodeKind.END)],
            "value_template": f"{{{{ {event} if {_NOW} else '' }}}}",
            "icon": "mdi:emoticon-wink-outline",
        }

    def _trigger(self, kind: EpisodeKind, subtype: str, payload: str) -> Json:
        return {
            "platform": "device_automation",
            "automation_type": "trigger",
            "type": f"episode_{kind}",
            "subtype": subtype,
            "topic": self._topics.address(table.EVENT),
            "payload": payload,
            "value_template": f"{{{{ {_BEGINS_OR_ENDS} if {_NOW} else '' }}}}",
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


def available(topics: Topics, topic: Topic) -> Json:
    """By a status topic: online or degraded."""
    return _when(topics, topic, _IS_THERE)


def _perceives(topics: Topics, topic: Topic) -> Json:
    """A sensor that is not believed (a black picture) tells of nobody, and so not that somebody has gone."""
    return _when(topics, topic, f"{_IS_THERE} and not value_json.blind | default(false)")


def _when(topics: Topics, topic: Topic, condition: str) -> Json:
    return {
        "topic": topics.address(topic),
        "value_template": f"{{{{ 'online' if {condition} else 'offline' }}}}",
    }
