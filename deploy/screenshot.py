#!/usr/bin/env python3
"""Draws the README's pictures: docs/watch.svg, what `affectd watch` shows while the demo's scene is played to a real
broker, and docs/page.webp, what the server's page shows of a portrait (needs Chromium).
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from playwright.sync_api import sync_playwright
from rich.console import Console

from device.bench.end_to_end import NODE, appliance, subscriber
from device.bench.local_broker import HOST, local_broker
from device.readings import EMOTIONS
from device.watch.node_registry import NodeRegistry
from device.watch.watch_view import render

ROOT = Path(__file__).resolve().parents[1]
MEANT = 0.42
SCENE = ROOT / "deploy" / "demo" / "crema_d"


CLIP, PORTRAIT = SCENE / "1001_DFA_HAP_XX.flv", SCENE.parent / "astronaut.png"
WIDTH_PX, HEIGHT_PX = 1200, 740
READ_MS = 120_000


def main() -> None:
    """Draw both."""
    draw_watch()
    draw_page()


def draw_page() -> None:
    """The page once it has read a portrait."""
    browser_path = shutil.which("chromium") or sys.exit("screenshot: no Chromium; run: apt install chromium")
    command = [sys.executable, "-m", "desktop_server", "run", "--config", "/dev/null", "--port", "0"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server,
        sync_playwright() as playwright,
    ):
        try:
            assert server.stdout is not None
            url = next(found.group(1) for line in server.stdout if (found := re.search(r"serving at (\S+)", line)))
            browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
            page.set_default_timeout(READ_MS)
            page.goto(url)
            page.locator("#file").set_input_files(PORTRAIT)
            page.locator("#headline .label").wait_for()
            png = page.locator("#result").screenshot()
            browser.close()
        finally:
            server.terminate()
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    cv2.imwrite(str(ROOT / "docs" / "page.webp"), picture[:HEIGHT_PX], [cv2.IMWRITE_WEBP_QUALITY, 80])


def draw_watch() -> None:
    """Play until face and voice are both there for a clip that people call happy, and draw that moment."""
    clips = [CLIP]
    nodes = NodeRegistry("affectd")
    with local_broker() as broker, subscriber(broker, everything=True) as link, appliance(clips, broker):
        while not worth_a_picture(nodes):
            if (message := link.inbox.take(30)) is None:
                sys.exit("screenshot: nothing arrives from the appliance")
            nodes.update(message, time.monotonic_ns())
        view = render(nodes, time.monotonic_ns(), broker=f"{HOST}:{broker.port}", problem=None, height=40)
    with Path("/dev/null").open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=84, file=nowhere)
        console.print(view)
    svg = console.export_svg(title="affectd watch")
    # Without rich's web fonts: the picture names no host, and every viewer has some monospaced font.
    local = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (ROOT / "docs" / "watch.svg").write_text(local, encoding="utf-8")


def worth_a_picture(nodes: NodeRegistry) -> bool:
    """Face and voice present, health known, and an emotion that is meant and leads."""
    if NODE not in nodes.nodes:
        return False
    node = nodes.nodes[NODE]
    state = node.state
    if not state or not node.health or not all(part.present for part in state.modalities.values()):
        return False
    leads = state.confidence == max(state.probs.values())
    return state.label in EMOTIONS and leads and state.confidence >= MEANT


if __name__ == "__main__":
    main()
