"""What Home Assistant is told: one retained discovery message for the whole device."""

from __future__ import annotations

from device.publish import topics as table
from device.publish.payload import Json
from device.publish.topics import Topic, Topics
from device.readings import EMOTIONS, NOBODY, UNCERTAIN

_EXPIRE_BEATS = 3
"""Missed heartbeats after which an entity counts as unavailable: a stuck process never triggers its last will."""


def discovery(topics: Topics, *, version: str, state_heartbeat_s: float = 10.0, health_period_s: float = 60.0) -> Json:
    """The payload for ``homeassistant/device/<node>/config``. Heartbeats are those of ``state`` and ``health``."""
    entities = _Entities(topics, round(_EXPIRE_BEATS * state_heartbeat_s), round(_EXPIRE_BEATS * health_period_s))
    return {
        "device": {
            "identifiers": [f"affectd_{topics.node}"],
            "name": f"affectd {topics.node}",
            "manufacturer": "affectd",
            "model": "Emotion from face and voice",
            "sw_version": version,
        },
        "origin": {"name": "affectd", "sw_version": version},
        "availability_mode": "all",
        "availability": [_available(topics, table.STATUS)],
        "components": {
            **entities.estimate(),
            **entities.presence(),
            **entities.controls(),
            **entities.diagnostics(),
        },
    }


class _Entities:
    """Writes the components of one node."""

    def __init__(self, topics: Topics, state_expires_s: int, health_expires_s: int) -> None:
        self._topics = topics
        self._state_expires_s = state_expires_s
        self._health_expires_s = health_expires_s

    def estimate(self) -> Json:
        return {
            "emotion": self._of_state("sensor", "emotion", "Emotion", "{{ value_json.label }}") | {
                "device_class": "enum",
                "options": [*map(str, EMOTIONS), UNCERTAIN, NOBODY],
                "icon": "mdi:emoticon-outline",
            },
            "confidence": self._of_state(
                "sensor", "confidence", "Confidence", "{{ (value_json.confidence * 100) | round(0) | int }}"
            ) | {"unit_of_measurement": "%", "state_class": "measurement", "icon": "mdi:percent-outline"},
        }  # fmt: skip

    def presence(self) -> Json:
        return {
            f"{modality}_present": self._of_state(
                "binary_sensor",
                f"{modality}_present",
                f"{modality.capitalize()} present",
                f"{{{{ 'ON' if value_json.modalities.{modality}.present else 'OFF' }}}}",
            )
            | {"availability_mode": "all", "availability": [_available(self._topics, t) for t in (table.STATUS, part)]}
            for modality, part in (("face", table.CAMERA), ("speech", table.MICROPHONE))
        }

    def controls(self) -> Json:
        return {
            "privacy": self._entity("switch", "privacy", "Privacy") | {
                "state_topic": self._topics.address(table.PRIVACY_STATE),
                "command_topic": self._topics.address(table.PRIVACY_SET),
                "icon": "mdi:eye-off-outline",
            },
            "restart": self._button("restart", "Restart") | {"device_class": "restart", "entity_category": "config"},
            "self_test": self._button("self-test", "Self-test") | {"entity_category": "diagnostic"},
        }  # fmt: skip

    def diagnostics(self) -> Json:
        return {
            "camera": self._part("camera", "Camera", table.CAMERA),
            "microphone": self._part("microphone", "Microphone", table.MICROPHONE),
            "undervoltage": self._of_health(
                "binary_sensor", "undervoltage", "Undervoltage", _flag("value_json.undervoltage_now")
            ) | {"device_class": "problem"},
            "temperature": self._of_health(
                "sensor", "temperature", "Temperature", "{{ value_json.soc_temperature_celsius }}"
            ) | {"device_class": "temperature", "unit_of_measurement": "°C", "state_class": "measurement"},
            "frame_rate": self._of_health(
                "sensor", "frame_rate", "Frame rate", "{{ value_json.frame_rate_hz }}"
            ) | {"unit_of_measurement": "fps", "state_class": "measurement", "icon": "mdi:filmstrip"},
            "version": self._entity("sensor", "version", "Version") | {
                "state_topic": self._topics.address(table.INFO),
                "value_template": "{{ value_json.version }}",
                "entity_category": "diagnostic",
                "icon": "mdi:tag-outline",
            },
        }  # fmt: skip

    def _entity(self, platform: str, key: str, name: str) -> Json:
        return {"platform": platform, "unique_id": f"affectd_{self._topics.node}_{key}", "name": name}

    def _of_state(self, platform: str, key: str, name: str, template: str) -> Json:
        return self._entity(platform, key, name) | {
            "state_topic": self._topics.address(table.STATE),
            "value_template": template,
            "expire_after": self._state_expires_s,
        }

    def _of_health(self, platform: str, key: str, name: str, template: str) -> Json:
        return self._entity(platform, key, name) | {
            "state_topic": self._topics.address(table.HEALTH),
            "value_template": template,
            "expire_after": self._health_expires_s,
            "entity_category": "diagnostic",
        }

    def _part(self, key: str, name: str, topic: Topic) -> Json:
        """A problem is what nobody wished for: ``disabled`` is none."""
        return self._entity("binary_sensor", key, name) | {
            "state_topic": self._topics.address(topic),
            "value_template": "{{ 'ON' if value_json.state in ('offline', 'degraded') else 'OFF' }}",
            "json_attributes_topic": self._topics.address(topic),
            "device_class": "problem",
            "entity_category": "diagnostic",
        }

    def _button(self, verb: str, name: str) -> Json:
        return self._entity("button", verb.replace("-", "_"), name) | {
            "command_topic": self._topics.address(table.REQUEST, verb),
            "payload_press": '{"transaction":"home-assistant"}',
        }


def _available(topics: Topics, topic: Topic) -> Json:
    return {
        "topic": topics.address(topic),
        "value_template": "{{ 'online' if value_json.state in ('online', 'degraded') else 'offline' }}",
    }


def _flag(value: str) -> str:
    # "None" is Home Assistant's word for a state that is not known.
    return f"{{{{ 'None' if {value} is none else 'ON' if {value} else 'OFF' }}}}"
