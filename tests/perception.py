"""Sounds and pictures that tests of perception share, and the detector they look with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
import soxr
from numpy.typing import NDArray

from device.models.card import read_card
from device.models.detect import FaceDetector, close_card
from device.models.tflite import TfliteModel
from device.signals import SAMPLE_RATE_HZ, AudioBlock

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models_tflite"
NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ

Samples = NDArray[np.int16]
Grey = NDArray[np.uint8]


@cache
def detector() -> FaceDetector:
    if not (MODELS / "blazeface_short.tflite").is_file():
        pytest.skip("the detector's file is not there; run: python deploy/provision_models.py")
    return FaceDetector(model("blazeface_short"))


@cache
def close_detector() -> FaceDetector:
    return FaceDetector(TfliteModel(close_card(model("blazeface_short").card), MODELS))


@cache
def model(name: str) -> TfliteModel:
    return TfliteModel(read_card(MODELS / f"{name}.json"), MODELS)


def astronaut() -> Grey:
    """NASA's portrait of Eileen Collins, 360 × 360; her eyes are near (162, 100) and (206, 103)."""
    picture = cv2.imread(str(ROOT / "tests" / "data" / "astronaut.png"), cv2.IMREAD_GRAYSCALE)
    return np.asarray(picture, dtype=np.uint8)


def far_away(face_px: int, *, left_px: int, top_px: int) -> Grey:
    """640 × 480 of grey with the astronaut in it, her face that wide."""
    scene = np.full((480, 640), 127, dtype=np.uint8)
    side = round(face_px * 360 / 98)
    small = cv2.resize(astronaut(), (side, side), interpolation=cv2.INTER_AREA)
    seen = scene[top_px : top_px + side, left_px : left_px + side]
    seen[:] = small[: seen.shape[0], : seen.shape[1]]
    return scene


def hiss(seconds: float, dbfs: float = -66.0) -> Samples:
    """White noise, the same each time."""
    noise = np.random.default_rng(1).normal(0, 32768 * 10 ** (dbfs / 20), round(seconds * SAMPLE_RATE_HZ))
    return _int16(noise)


def _int16(wave: NDArray[np.float64]) -> Samples:
    return np.asarray(np.clip(np.rint(wave), -32768, 32767), dtype=np.int16)


def spoken(seconds: float, *, pitch_hz: float = 130.0, dbfs: float = -26.0) -> Samples:
    """Like a voice: pulses of a gliding pitch through two formants, four syllables a second."""
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch = pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * 0.7 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    wave = sum(
        np.exp(-(((k * pitch_hz - 600) / 500) ** 2)) * np.cos(k * phase)
        + 0.5 * np.exp(-(((k * pitch_hz - 1700) / 400) ** 2)) * np.cos(k * phase)
        for k in range(1, 25)
    )
    wave = wave * (0.02 + np.abs(np.sin(2 * np.pi * 2 * time_s)))
    wave *= 10 ** (dbfs / 20) / np.sqrt(np.mean(wave**2))
    return _int16(wave * 32768)


def in_a_room(*parts: Samples) -> Samples:
    """The parts one after the other, on a quiet hiss."""
    sound = np.concatenate(parts)
    return sound + hiss(len(sound) / SAMPLE_RATE_HZ)


def pause(seconds: float) -> Samples:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), dtype=np.int16)


def blocks(
    samples: Samples, *, block_samples: int = 480, first_sample: int = 0, start_ns: int = 0
) -> Iterator[AudioBlock]:
    """The sound as a source gives it."""
    for at in range(0, len(samples), block_samples):
        part = samples[at : at + block_samples]
        yield AudioBlock(start_ns + at * NS_PER_SAMPLE, first_sample + at, part)


def load(path: Path) -> Samples:
    """A recording as mono, 16 kHz, int16."""
    soundfile = pytest.importorskip("soundfile")
    wave, rate_hz = soundfile.read(path, always_2d=True)
    wave = soxr.resample(wave.mean(axis=1), rate_hz, SAMPLE_RATE_HZ)
    return _int16(wave * 32768)
