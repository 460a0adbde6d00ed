"""The benchmark's media: a portrait and two seconds of speech, from the demo's files."""

from __future__ import annotations

import io
import wave
from pathlib import Path

import cv2
import numpy as np

from device.capture.container import sound_blocks
from device.errors import AffectdError
from device.signals import SAMPLE_RATE_HZ

_DEMO = Path(__file__).resolve().parents[2] / "deploy" / "demo"
CLIP = _DEMO / "crema_d" / "1001_DFA_HAP_XX.flv"
PORTRAIT = _DEMO / "astronaut.png"


def require_media() -> None:
    """Raises ``AffectdError`` where this is no checkout of the project."""
    if not CLIP.is_file():
        raise AffectdError(f"{CLIP}: the benchmark's clip is not there; run it from a checkout of the project")


def portrait_jpeg() -> bytes:
    """512 × 512, as a camera's page would send it."""
    return cv2.imencode(".jpg", cv2.imread(str(PORTRAIT)))[1].tobytes()


def clip_wav() -> bytes:
    """The demo clip's two seconds of speech, at 16 kHz."""
    samples = np.concatenate([block.samples for block in sound_blocks(CLIP, 30)])
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((1, 2, SAMPLE_RATE_HZ, len(samples), "NONE", ""))
        written.writeframes(samples.tobytes())
    return file.getvalue()
