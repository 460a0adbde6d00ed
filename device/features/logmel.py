"""Log-mel spectrogram, normalised: most of what the net of affectd-1 reads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.features.mel import BANDS, FRAMES, LogEnergies

RANGE = 14.0
"""What lies more than so far (60 dB) below the loudest place of a window is lifted to there: how silent the silence
is tells of a studio, not of a voice."""
SCALE = 1.8
ENERGY_LIMIT = 4.0
"""Scaled energies are cut at ±4, so that int8 keeps its steps for the rest."""


def model_input(energies: LogEnergies) -> NDArray[np.float32]:
    """The last 128 frames as a model takes them, float32 (128, 40); of a shorter segment, again and again."""
    return normalised(floored(energies[-FRAMES:]))


def floored(energies: LogEnergies) -> LogEnergies:
    """What lies below the window's range lifted softly to there, (frames, 40)."""
    return np.asarray(np.logaddexp(energies, energies.max() - RANGE))


def normalised(energies: LogEnergies) -> NDArray[np.float32]:
    """Floored energies, at most 128 frames, as a model takes them, float32 (128, 40).

    One mean over bands and window is taken away, so that loudness is no cue; the differences between bands and
    moments keep their size, which says how lively and how sharp a voice is.
    """
    normal = np.clip((energies - energies.mean()) / SCALE, -ENERGY_LIMIT, ENERGY_LIMIT)
    return np.resize(normal, (FRAMES, BANDS)).astype(np.float32)
