"""An MQTT message."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """One message, either way."""

    address: str
    payload: bytes
    qos: int = 0
    retain: bool = False
