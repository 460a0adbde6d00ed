"""Relative voice: log-mel spectra, and functionals less the reference of the stream that they are heard in."""

from __future__ import annotations

import numpy as np

from device.arrays import DoubleArray, FloatArray
from device.features import logmel
from device.features.frames import SpeechFrames
from device.features.functionals import FUNCTIONALS, functionals
from device.features.mel import BANDS
from device.features.speaker_reference import SpeakerReference

FEATURE_VERSION = "logmel40-functionals21/1"
"""Raised whenever a model trained on older features would be served other numbers."""


class RelativeVoice:
    """Makes a model's inputs of one stream's windows, in their order, and learns its reference of them."""

    def __init__(self) -> None:
        self._reference = SpeakerReference()

    def __call__(self, frames: SpeechFrames) -> FloatArray:
        """What ``logmel.model_input`` makes of at most 3 s of frames, and ``row`` in one more: float32 (129, 40)."""
        floored = logmel.floored(frames.energies)
        return np.vstack([logmel.normalised(floored), self._row(functionals(frames, floored))])

    def row(self, frames: SpeechFrames) -> FloatArray:
        """The 21 functionals relative to the windows before this one, float32 (40,).

        The rest is zero, and all of it where hardly anything is voiced: nothing is learnt of such a window.
        """
        return self._row(functionals(frames))

    def _row(self, found: DoubleArray | None) -> FloatArray:
        values = np.zeros(BANDS, dtype=np.float32)
        if found is not None:
            values[: len(FUNCTIONALS)] = self._reference.relative(found)
            self._reference.learn(found)
        return values

    def forget(self) -> None:
        """Begin with the neutral voice again."""
        self._reference = SpeakerReference()
