"""Debian's Chromium, and what it must never do whatever is tested: meet an error, break the policy, ask elsewhere."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import av
import cv2
import numpy as np
import pytest
import soundfile
import soxr

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="the tests' packages are not there: pip install 'affectd[test]'"
)

SLOW_MS = 30_000
"""What a busy machine may need for what a person would call at once."""

_SOUND_HZ = 48_000
_NO_NEWS = "Failed to load resource"  # Chromium's own note of a refusal, which the page tells of


@contextmanager
def chromium(*arguments: str) -> Iterator[Any]:
    """The browser. Skips where there is none."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("no Chromium; install it with: apt install chromium")
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*as_root, *arguments])
        yield browser
        browser.close()


@contextmanager
def opened(browser: Any, url: str, **options: Any) -> Iterator[Any]:
    """The page at ``url``. It fails at the end if the browser was unhappy or asked any other host."""
    with browser.new_context(**options) as context:
        page = context.new_page()
        page.set_default_timeout(SLOW_MS)
        sync_api.expect.set_options(timeout=SLOW_MS)
        bad, asked = _watched(page)
        page.goto(url)
        yield page
        assert not bad, bad
        assert {host for host in asked if host} == {urlsplit(url).netloc}


def _watched(page: Any) -> tuple[list[str], list[str]]:
    bad: list[str] = []
    asked: list[str] = []
    page.on("pageerror", lambda error: bad.append(str(error)))
    page.on("request", lambda request: asked.append(urlsplit(request.url).netloc))
    page.on("websocket", lambda socket: asked.append(urlsplit(socket.url).netloc))
    page.on("console", lambda line: bad.append(line.text) if _is_bad(line) else None)
    return bad, asked


def _is_bad(line: Any) -> bool:
    return line.type in ("error", "warning") and not line.text.startswith(_NO_NEWS)


def fake_devices(clip: Path, folder: Path) -> Sequence[str]:
    """Chromium's options for a camera and a microphone that play this clip again and again."""
    camera, microphone = folder / "camera.mjpeg", folder / "microphone.wav"
    _write_pictures(clip, camera)
    _write_sound(clip, microphone)
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-video-capture={camera}",
        f"--use-file-for-fake-audio-capture={microphone}",
    )


def _write_pictures(clip: Path, path: Path) -> None:
    """One JPEG after the other: what Chromium calls MJPEG."""
    with av.open(str(clip)) as source:
        pictures = [frame.to_ndarray(format="bgr24") for frame in source.decode(video=0)]
    path.write_bytes(b"".join(cv2.imencode(".jpg", picture)[1].tobytes() for picture in pictures[::2]))


def _write_sound(clip: Path, path: Path) -> None:
    with av.open(str(clip)) as source:
        rate_hz = source.streams.audio[0].rate
        wave = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in source.decode(audio=0)])
    soundfile.write(path, soxr.resample(wave, rate_hz, _SOUND_HZ), _SOUND_HZ, subtype="PCM_16")
