"""Camera check: what comes, and whether a face is seen in it. Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.capture.camera_v4l2 import CameraV4l2
from device.capture.picture_watch import is_black
from device.capture.turned import turned
from device.config.settings import TURNS, CameraSettings
from device.errors import SourceLost, SourceUnavailable
from device.models.detect import FaceDetector
from device.models.sets import ModelSet
from device.models.tflite import TfliteModel
from device.models.track import FaceTracker
from device.setup.access import forbidden, in_use
from device.signals import Frame
from device.stages import Source
from device.wiring.sources import open_camera

CLEARLY = 0.05
"""By so much surer is the detector of a face that is upright. Of the demo's clips every 20th picture
was right as it was when upright, 17 of 17, and found out in the three other positions, 50 of 51."""


@dataclass(frozen=True, slots=True)
class View:
    """Properties of one picture; ``brightness`` is its mean grey, 0…255.

    ``face_if_turned``: degrees, clockwise, by which it has to be turned to show a face; 0 if it is right as it is.
    """

    width_px: int
    height_px: int
    brightness: float
    black: bool
    face: bool
    face_if_turned: int = 0

    def __str__(self) -> str:
        dark = " (is the lens covered?)" if self.black else ""
        return f"{self.width_px}×{self.height_px}, mean brightness {self.brightness:.0f} of 255{dark}"


def shown(source: str) -> str:
    """The camera as it may be printed: of an address the host alone."""
    return repr(CameraV4l2(device=source).name if "://" in source else source)


def look_through(camera: CameraSettings, models: ModelSet, seconds: float) -> Iterator[View]:
    """A view a picture, until a face is seen or the time is over. Raises ``SourceUnavailable`` or ``SourceLost``."""
    detector = FaceDetector(TfliteModel(models.detector, models.folder))
    tracker = FaceTracker(detector)
    with usable_camera(camera) as source:
        first_ns: int | None = None
        for frame in source:
            first_ns = frame.captured_ns if first_ns is None else first_ns
            turn = better_turn(detector, frame.grey)
            view = replace(_view(frame, face=tracker(frame) is not None and not turn), face_if_turned=turn)
            yield view
            if view.face or frame.captured_ns - first_ns > seconds * 1e9:
                return


def first_view(camera: CameraSettings) -> View:
    """What one picture is like; nobody is looked for. Raises as ``look_through``."""
    with usable_camera(camera) as source:
        return _view(next(iter(source)), face=False)


@contextmanager
def usable_camera(camera: CameraSettings) -> Iterator[Source[Frame]]:
    """The open camera. Raises ``SourceUnavailable`` that says whether it is missing, forbidden or in use."""
    try:
        with open_camera(camera) as source:
            yield source
    except (SourceUnavailable, SourceLost) as error:
        if why := _why_not(camera.source):
            raise SourceUnavailable(f"camera {camera.source!r}: {why}") from error
        raise


def devices_of(source: str, dev: Path = Path("/dev")) -> list[Path]:
    """The device files that a camera is; none for one on the network, or that is not there."""
    if source.partition(":")[0] == "pi":
        return sorted([*dev.glob("media*"), *dev.glob("video*"), *dev.glob("dma_heap/*")])
    path = Path(f"/dev/video{source}" if source.isdecimal() else source)
    return [path] if "://" not in source and path.exists() else []


def _why_not(source: str) -> str:
    devices = devices_of(source)
    is_one = source.partition(":")[0] != "pi"  # a module is many, and libcamera says itself when it is in use
    return forbidden(devices) or (in_use(devices[0]) if is_one and devices else "")


def better_turn(detector: FaceDetector, grey: NDArray[np.uint8]) -> int:
    """Degrees, clockwise, by which the picture shows a face more surely; 0 where it hangs right or shows none.

    The detector takes many a face on its head for one that is upright, with eyes at the chin, but is less sure of it.
    """
    scores = {turn: max((face.score for face in detector(turned(grey, turn))), default=0.0) for turn in TURNS}
    best = max(scores, key=lambda turn: scores[turn])
    return best if scores[best] > scores[0] + CLEARLY else 0


def _view(frame: Frame, *, face: bool) -> View:
    height, width = frame.grey.shape
    return View(width, height, float(frame.grey.mean()), black=is_black(frame.grey), face=face)
