"""What the appliance makes of files, as JSON: run by the Python whose OpenCV, PyAV and NumPy are to read them.

    python tests/media_reader.py [--decode] FILE…

One object a file: its ``error``, or its frames' and samples' counts, the first frame's shape and the means of its four
corners, and the labels of all estimates. With ``--decode`` the models are left out.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.app import replay_estimates
from device.capture.replay import Replay, open_media
from device.config.settings import Settings
from device.errors import AffectdError
from device.wiring.models import load_models

_CORNER = 6
"""A corner is so small a part of a side."""


def corners(grey: NDArray[np.uint8]) -> list[int]:
    """Means of the upper left, upper right, lower left and lower right corner."""
    height, width = (max(1, side // _CORNER) for side in grey.shape)
    parts = (grey[y, x] for y in (slice(height), slice(-height, None)) for x in (slice(width), slice(-width, None)))
    return [round(float(part.mean())) for part in parts]


def decoded(replay: Replay) -> dict[str, Any]:
    """Of the pictures and the sound."""
    told: dict[str, Any] = {"frames": 0, "samples": 0}
    if replay.video is not None:
        with replay.video as video:
            for frame in video:
                told["frames"] += 1
                if told["frames"] == 1:
                    told |= {"shape": list(frame.grey.shape), "corners": corners(frame.grey)}
    if replay.audio is not None:
        with replay.audio as audio:
            told["samples"] = sum(len(block.samples) for block in audio)
    return told


def told_of(path: Path, *, with_models: bool) -> dict[str, Any]:
    """Of one file. Whatever is no ``AffectdError`` ends the process: a user would see a traceback."""
    try:
        replay = open_media([path])
        told = decoded(replay)
        if with_models:
            settings = Settings()
            estimates = replay_estimates(settings, load_models(settings), replay)
            told["labels"] = [estimate.label for estimate in estimates]
    except AffectdError as error:
        return {"error": str(error)}
    return told


if __name__ == "__main__":
    names = [name for name in sys.argv[1:] if name != "--decode"]
    print(json.dumps([told_of(Path(name), with_models="--decode" not in sys.argv) for name in names]))
