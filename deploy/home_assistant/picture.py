#!/usr/bin/env python3
"""Draws docs/home-assistant.webp: what a real Home Assistant shows of a node (needs Chromium)."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from house import House, furnished
from playwright.sync_api import sync_playwright

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "home-assistant.webp"
WIDTH_PX, HEIGHT_PX = 1000, 420
SHOWN_MS = 60_000
WEBP_QUALITY = 80


def main() -> None:
    """Draw it."""
    with tempfile.TemporaryDirectory(prefix="affectd-house-") as folder, furnished(Path(folder)) as house:
        house.until("happy", house.shows("sensor.living_room_emotion", "happy"), speech=True)
        house.until("happy", house.shows("binary_sensor.living_room_speech_present", "on"), speech=True)
        png = _drawn(house)
    picture = cv2.imdecode(np.frombuffer(png, dtype=np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    cv2.imwrite(str(PICTURE), picture, [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY])


def _drawn(house: House) -> bytes:
    path = shutil.which("chromium") or sys.exit("picture: no Chromium; run: apt install chromium")
    address = house.core.address
    lasting = {"hassUrl": address, "clientId": f"{address}/", "expires": round(time.time() * 1000) + 1_800_000}
    tokens = json.dumps({**house.core.tokens, **lasting})
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH_PX, "height": HEIGHT_PX})
        page.set_default_timeout(SHOWN_MS)
        page.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(tokens)})")
        page.goto(f"{address}/lovelace/0")
        page.get_by_text("Speech present").first.wait_for()
        page.get_by_text("Happy").first.wait_for()
        png = page.screenshot()
        browser.close()
    return bytes(png)


if __name__ == "__main__":
    main()
