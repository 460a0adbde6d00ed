"""Benchmark of the appliance's face path on one picture. Run by ``device.bench.peer``: PICTURE FRAMES."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from device.bench.fresh import peak_mib
from device.capture.pictures import read_picture
from device.modalities import face_recogniser
from device.models.sets import load_set, models_folder
from device.signals import Frame
from device.wiring.models import TFLITE


def main(picture: str, frames: str) -> None:
    """Print each frame's milliseconds of processor time, all threads together, and the peak memory."""
    recognise = face_recogniser(load_set(models_folder()), TFLITE.load_net)
    grey = read_picture(Path(picture))
    times_ms = []
    for number in range(int(frames) + 5):
        start = time.process_time_ns()
        assert recognise(Frame(number * 100_000_000, grey)) is not None
        times_ms.append((time.process_time_ns() - start) / 1e6)
    sys.stdout.write(json.dumps({"cpu_ms": times_ms[5:], "peak_mib": peak_mib()}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
