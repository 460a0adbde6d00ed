"""Microphone fault detection although sound comes: it is mute, or its zero is none."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.signals import SAMPLE_RATE_HZ

MUTE_AFTER_S = 10.0
MUTE = "only zeros come from it; is it muted?"

_OFFSET_OVER_S = 5.0
"""The median of 30 ms is a voice's own now and then, never on the average of so long."""
_NAMED_FROM, _NAMED_TO = 0.05, 0.04
"""Of full scale: so much of a loud voice's room is gone. Once named, it is so until it has clearly fallen."""


class SoundWatch:
    """Listens to one microphone's sound, however it is cut."""

    def __init__(self) -> None:
        self._silent_samples = 0
        self._heard_samples = 0
        self._offset = 0.0
        self._is_large = False

    def update(self, samples: NDArray[np.int16]) -> None:
        """Take the next samples in: int16, mono, 16 kHz."""
        if not len(samples):
            return
        self._silent_samples = 0 if samples.any() else self._silent_samples + len(samples)
        self._heard_samples = min(self._heard_samples + len(samples), round(_OFFSET_OVER_S * SAMPLE_RATE_HZ))
        share = len(samples) / self._heard_samples  # a plain mean at first, then one that forgets
        self._offset += share * (float(np.median(samples)) / 32768 - self._offset)
        if self._heard_samples >= SAMPLE_RATE_HZ:
            self._is_large = abs(self._offset) > (_NAMED_TO if self._is_large else _NAMED_FROM)

    @property
    def silent_s(self) -> float:
        """For how long every sample has been zero: a microphone that is muted or broken, never a quiet room."""
        return self._silent_samples / SAMPLE_RATE_HZ

    @property
    def mute(self) -> bool:
        """Whether it has been silent for so long that nobody heard says nothing."""
        return self.silent_s > MUTE_AFTER_S

    @property
    def warning(self) -> str:
        """In words; empty when nothing is wrong."""
        if self.mute:
            return MUTE
        if not self._is_large:
            return ""
        return (
            "its sound has a large constant offset (more than 4 % of full scale); voices are heard all the same, loud"
            " ones with less room: check the sound card or its driver's settings"
        )
