"""Times the peer, ``fer`` 25.10.3, on one picture, in an environment of its own. Run by ``device.bench.peer``."""

import json
import resource
import sys
import time


def main(picture: str, frames: str) -> None:
    """Print the milliseconds of each frame and the peak memory."""
    import cv2
    from fer.fer import FER

    detector = FER()
    image = cv2.imread(picture)
    times_ms = []
    for _ in range(int(frames) + 5):
        start = time.perf_counter_ns()
        assert detector.detect_emotions(image)
        times_ms.append((time.perf_counter_ns() - start) / 1e6)
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"frames_ms": times_ms[5:], "peak_mib": peak_mib}) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
