"""What a node announces to Home Assistant."""

from equipment import EVERYTHING

from device.publish.contract import Json
from device.publish.homeassistant import Device, Equipment, discovery
from device.publish.topics import Topics

TOPICS = Topics("kitchen", prefix="home/affectd")


def message(has: Equipment = EVERYTHING) -> Json:
    return discovery(TOPICS, Device("0.1.0"), has=has)


def announced(has: Equipment) -> set[str]:
    return {key for key, component in message(has)["components"].items() if len(component) > 1}
