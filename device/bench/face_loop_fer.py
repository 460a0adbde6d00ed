"""Benchmark of the peer, ``fer`` 25.10.3, on one picture, in an environment of its own."""

import json
import sys
import time
from pathlib import Path


def main(picture: str, frames: str) -> None:
    """Print each frame's milliseconds of processor time, all threads together, and the peak memory."""
    import cv2
    from fer.fer import FER

    detector = FER()
    image = cv2.imread(picture)
    times_ms = []
    for _ in range(int(frames) + 5):
        start = time.process_time_ns()
        assert detector.detect_emotions(image)
        times_ms.append((time.process_time_ns() - start) / 1e6)
    # Not ru_maxrss, which knows of the parent's memory, too.
    peak_mib = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
    sys.stdout.write(json.dumps({"cpu_ms": times_ms[5:], "peak_mib": peak_mib}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
