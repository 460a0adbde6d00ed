"""Films, pictures and sounds, made for a test, and what a replay gives of them."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from device.capture.replay import Replay
from device.signals import AudioBlock, Frame


def frames(replay: Replay) -> list[Frame]:
    assert replay.video is not None
    with replay.video as video:
        return list(video)


def blocks(replay: Replay) -> list[AudioBlock]:
    assert replay.audio is not None
    with replay.audio as audio:
        return list(audio)


def tone(rate_hz: int, seconds: float = 0.5, loudness: float = 0.5) -> NDArray[np.float64]:
    return np.asarray(loudness * np.sin(2 * np.pi * 440 * np.arange(round(rate_hz * seconds)) / rate_hz))


def picture(path: Path, pixels: NDArray[Any]) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


GREY = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))
