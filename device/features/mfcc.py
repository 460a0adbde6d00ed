"""Mel-frequency cepstral coefficients: what the published speech net reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.features.mel import BANDS, FRAMES, LogEnergies, log_energies
from device.features.psf import dct, lifter

FEATURE_VERSION = "mfcc40/1"
"""Raised whenever a model trained on older features would be served other numbers."""

COEFFICIENTS = BANDS
LIFTER = 22
CLIP_DEVIATIONS = 4.0
"""Normalised coefficients are cut at ±4 standard deviations, so that int8 keeps its steps for the rest."""

Coefficients = NDArray[np.float64]


def coefficients(samples: NDArray[np.int16]) -> Coefficients:
    """MFCC of a segment of sound, (frames, 40); equal to ``python_speech_features.mfcc`` without its energy term.

    ``samples``: int16, mono, 16 kHz, at least one.
    """
    return of_energies(log_energies(samples))


def of_energies(energies: LogEnergies) -> Coefficients:
    """MFCC (frames, 40) of log energies in mel bands."""
    return np.asarray(lifter(dct(energies)[:, :COEFFICIENTS], LIFTER))


def model_input(energies: LogEnergies) -> NDArray[np.float32]:
    """The MFCC of the last 128 frames as a model takes them, float32 (128, 40).

    Each coefficient is brought to mean 0 and deviation 1 over the frames that are there (so neither loudness nor
    the microphone's colour is a cue), cut at ±4, and a shorter segment is filled up with zeros: with the mean.
    """
    recent = of_energies(energies[-FRAMES:])
    deviation = np.maximum(recent.std(axis=0), 1e-3)
    normal = np.clip((recent - recent.mean(axis=0)) / deviation, -CLIP_DEVIATIONS, CLIP_DEVIATIONS)
    padded = np.zeros((FRAMES, COEFFICIENTS), dtype=np.float32)
    padded[: len(normal)] = normal
    return padded
