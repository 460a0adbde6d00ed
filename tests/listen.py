"""Listens to a microphone and writes down what it heard. Run as a program: PortAudio reads its surroundings once.

``listen.py NAME SECONDS OUT.npz``: prints "listening" with the first block, then "done" or the error.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from device.capture.microphone import Microphone, list_microphones
from device.errors import AffectdError
from device.signals import AudioBlock


def main(name: str, seconds: float, out: str) -> None:
    blocks: list[AudioBlock] = []
    arrived_ns: list[int] = []
    try:
        with Microphone(name=name, lost_after_s=5.0) as microphone:
            for block in microphone:
                if not blocks:
                    print("listening", flush=True)
                blocks.append(block)
                arrived_ns.append(time.monotonic_ns())
                if block.captured_ns - blocks[0].captured_ns > seconds * 1e9:
                    microphone.close()
            silent_s = microphone.silent_s
    except AffectdError as error:
        print(f"{type(error).__name__}: {error}", flush=True)
        return
    np.savez(
        out,
        first_sample=[block.first_sample for block in blocks],
        captured_ns=[block.captured_ns for block in blocks],
        arrived_ns=arrived_ns,
        length=[len(block.samples) for block in blocks],
        samples=np.concatenate([block.samples for block in blocks]),
        silent_s=silent_s,
        listed=list_microphones(),
    )
    print("done", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), sys.argv[3])
