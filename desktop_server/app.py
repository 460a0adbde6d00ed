"""The second composition root: the appliance's own stages with float nets."""

from __future__ import annotations

from desktop_server.engine import Provider, float_engine
from device.app import run
from device.settings import Settings


def run_node(settings: Settings, *, provider: Provider = "auto") -> None:
    """Be a node like any Pi, with this machine's camera and microphone, or recordings. Raises ``AffectdError``."""
    run(settings, float_engine(provider))
