"""The features of speech that nets are made for, by the version that their cards name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from device.features import logmel, mfcc, prosody
from device.features.frames import SpeechFrames
from device.features.mel import LogEnergies

SpeechFeatures = Callable[[SpeechFrames], NDArray[np.float32]]
"""Makes a model's input, float32 (rows, 40), of the frames of at most 3 s; the first 128 rows are moments."""


def _of_energies(features: Callable[[LogEnergies], NDArray[np.float32]]) -> SpeechFeatures:
    return lambda frames: features(frames.energies)


SPEECH_FEATURES: Mapping[str, SpeechFeatures] = {
    mfcc.FEATURE_VERSION: _of_energies(mfcc.model_input),
    logmel.FEATURE_VERSION: _of_energies(logmel.model_input),
    prosody.FEATURE_VERSION: prosody.model_input,
}
