#!/usr/bin/env python3
"""Draws docs/watch.svg: what `affectd watch` shows while the demo's scene is played to a real broker."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path

from rich.console import Console

from device.bench.end_to_end import NODE, appliance, subscriber
from device.house import House
from device.local_broker import HOST, local_broker
from device.readings import EMOTIONS
from device.watch_view import render

ROOT = Path(__file__).resolve().parents[1]
MEANT = 0.42
SCENE = ROOT / "deploy" / "demo" / "crema_d"


def main() -> None:
    """Play until face and voice are both there for a clip that people call happy, and draw that moment."""
    clips = [SCENE / "1001_DFA_HAP_XX.flv"]
    house = House("affectd")
    with local_broker() as broker, subscriber(broker, everything=True) as link, appliance(clips, broker):
        while not worth_a_picture(house):
            if (message := link.inbox.take(30)) is None:
                sys.exit("screenshot: nothing arrives from the appliance")
            house.hear(message, time.monotonic_ns())
        view = render(house, time.monotonic_ns(), broker=f"{HOST}:{broker.port}", problem=None, height=40)
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=84, file=nowhere)
        console.print(view)
    svg = console.export_svg(title="affectd watch")
    # Without rich's web fonts: the picture names no host, and every viewer has some monospaced font.
    local = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "watch.svg").write_text(local, encoding="utf-8")


def worth_a_picture(house: House) -> bool:
    """Face and voice present, health known, and an emotion that is meant and leads."""
    if NODE not in house.nodes:
        return False
    node = house.nodes[NODE]
    state = node.said("state")
    if not state or not node.said("health") or not all(part["present"] for part in state["modalities"].values()):
        return False
    leads = state["confidence"] == max(state["probs"].values())
    return bool(state["label"] in EMOTIONS and leads and state["confidence"] >= MEANT)


if __name__ == "__main__":
    main()
