"""What each stage costs, one at a time on one core, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from numpy.typing import NDArray

from device.capture.container import sound_blocks
from device.capture.pictures import read_picture
from device.features import mfcc
from device.features.face import FaceCrop, face_crop
from device.models.detect import Face, FaceDetector
from device.models.sets import ModelSet
from device.models.tflite import TfliteModel

RUNS = 200
WARM_UP = 20


def stage_medians_ms(models: ModelSet, picture: Path, sound: Path) -> dict[str, float]:
    """Median milliseconds of each stage for one picture with a face and one clip of speech."""
    grey = read_picture(picture)
    samples = np.concatenate([block.samples for block in sound_blocks(sound, 30)])
    samples = np.resize(samples, mfcc.WINDOW_SAMPLES)
    detector = FaceDetector(TfliteModel(models.detector, models.folder))
    face_net, speech_net = (TfliteModel(card, models.folder) for card in (models.face, models.speech))
    face = detector(grey)[0]
    pixels = _crop(grey, face).pixels
    coefficients = mfcc.coefficients(samples)
    window = mfcc.model_input(coefficients)[..., np.newaxis]
    stages: dict[str, Callable[[], object]] = {
        "find faces (BlazeFace)": lambda: detector(grey),
        "align and crop": lambda: _crop(grey, face),
        "face net": lambda: face_net(pixels),
        "MFCC of a 0.75 s hop": _hop(samples),
        "MFCC of 3 s, whole": lambda: mfcc.coefficients(samples),
        "speech net": lambda: speech_net(window),
    }
    return {name: _median_ms(stage) for name, stage in stages.items()}


def _crop(grey: NDArray[np.uint8], face: Face) -> FaceCrop:
    crop = face_crop(grey, right_eye=face.right_eye, left_eye=face.left_eye, mouth=face.mouth)
    assert crop is not None, "the benchmark's picture shows a face"
    return crop


def _hop(samples: NDArray[np.int16]) -> Callable[[], object]:
    stream = mfcc.MfccStream()
    stream.push(samples)
    stream.window()

    def hop() -> object:
        stream.push(samples[: mfcc.HOP_SAMPLES])
        return mfcc.model_input(stream.window())

    return hop


def _median_ms(stage: Callable[[], object]) -> float:
    for _ in range(WARM_UP):
        stage()
    return median(_once_ms(stage) for _ in range(RUNS))


def _once_ms(stage: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    stage()
    return (time.perf_counter_ns() - start) / 1e6
