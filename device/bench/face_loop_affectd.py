"""Benchmark of the appliance's face path on one picture. Run by ``device.bench.peer``: PICTURE FRAMES."""

from __future__ import annotations

import json
import sys
import time
from itertools import islice
from pathlib import Path

from device.bench.fresh import peak_mib
from device.bench.moving import moving_frames
from device.capture.pictures import read_picture
from device.modalities import face_recogniser
from device.models.sets import load_set, models_folder
from device.wiring.models import TFLITE

FRAMES_PER_SECOND = 10


def main(picture: str, frames: str) -> None:
    """Print a frame's milliseconds of processor time, all threads together, and the peak memory.

    Frames differ, as the detector is not asked of each: a figure is the mean of a second's, and so many come as there
    are ``frames``.
    """
    recognise = face_recogniser(load_set(models_folder()), TFLITE.load_net)
    stream = moving_frames(read_picture(Path(picture)))
    times_ms = []
    for _ in range(int(frames) + 1):
        start = time.process_time_ns()
        for frame in islice(stream, FRAMES_PER_SECOND):
            assert recognise(frame) is not None
            recognise.follow_up()
        times_ms.append((time.process_time_ns() - start) / 1e6 / FRAMES_PER_SECOND)
    sys.stdout.write(json.dumps({"cpu_ms": times_ms[1:], "peak_mib": peak_mib()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
