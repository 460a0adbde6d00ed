"""The features of speech that nets are made for, by the version that their cards name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from device.features import logmel, mfcc
from device.features.mel import LogEnergies

SpeechFeatures = Callable[[LogEnergies], NDArray[np.float32]]
"""Makes a model's input, float32 (128, 40), of the log energies of at most 3 s."""

SPEECH_FEATURES: Mapping[str, SpeechFeatures] = {
    mfcc.FEATURE_VERSION: mfcc.model_input,
    logmel.FEATURE_VERSION: logmel.model_input,
}
