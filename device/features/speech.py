"""Registry of speech features by the version that cards name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from device.features import mfcc, prosody, relative_voice
from device.features.frames import SpeechFrames


class SpeechFeatures(Protocol):
    """Makes a model's inputs of one stream's windows, in their order. It belongs to that stream alone."""

    def __call__(self, frames: SpeechFrames, /) -> NDArray[np.float32]:
        """The input, float32 (rows, 40), of the frames of at most 3 s; the first 128 rows are moments."""

    def forget(self) -> None:
        """Forget what was learnt of the stream: what follows is another one's."""


@dataclass(frozen=True, slots=True)
class WindowFeatures:
    """Features of a window by itself: nothing is learnt of the stream."""

    model_input: Callable[[SpeechFrames], NDArray[np.float32]]

    def __call__(self, frames: SpeechFrames) -> NDArray[np.float32]:
        """The input, float32 (rows, 40)."""
        return self.model_input(frames)

    def forget(self) -> None:
        """There is nothing to forget."""


SPEECH_FEATURES: Mapping[str, Callable[[], SpeechFeatures]] = {
    mfcc.FEATURE_VERSION: lambda: WindowFeatures(lambda frames: mfcc.model_input(frames.energies)),
    prosody.FEATURE_VERSION: lambda: WindowFeatures(prosody.model_input),
    relative_voice.FEATURE_VERSION: relative_voice.RelativeVoice,
}
"""What makes the features of one stream, new for each."""
