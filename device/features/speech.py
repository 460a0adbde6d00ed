"""Registry of speech features by the version that cards name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from device.features import mfcc, prosody
from device.features.frames import SpeechFrames

SpeechFeatures = Callable[[SpeechFrames], NDArray[np.float32]]
"""Makes a model's input, float32 (rows, 40), of the frames of at most 3 s; the first 128 rows are moments."""


SPEECH_FEATURES: Mapping[str, SpeechFeatures] = {
    mfcc.FEATURE_VERSION: lambda frames: mfcc.model_input(frames.energies),
    prosody.FEATURE_VERSION: prosody.model_input,
}
