"""Takes of relative functionals: of each speaker a stream as recorded, and streams in other rooms, made once."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from rich.progress import track

from device.arrays import FloatArray, PcmArray
from device.features.mel import BANDS
from quantize.augment.voices import varied_sound
from quantize.datasets import Samples
from quantize.inputs.streams import rows_in_turn, speakers_in_turn

TAKES = 4
"""The stream as recorded, and three varied ones."""


class FunctionalsLibrary:
    """Makes the takes of each speaker once, whichever trainings ask for them; speakers are known by their samples."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], FloatArray] = {}

    def takes_of(self, samples: Samples, noises: Sequence[PcmArray]) -> FloatArray:
        """Relative functionals of preprocessed samples, float32 (samples, TAKES, 40).

        A varied take of a speaker is all in one room, over one noise of ``noises``, at one speed, as a home is.
        """
        sounds, rows = list(noises), np.zeros((len(samples), TAKES, BANDS), dtype=np.float32)
        turns = speakers_in_turn(samples.names, samples.groups)
        for group, numbers in track(turns.items(), "measuring functionals", transient=True):
            key = tuple(samples.names[number] for number in numbers)
            if key not in self._known:
                self._known[key] = _takes(group, [samples.signals[number] for number in numbers], sounds)
            rows[numbers] = self._known[key]
        return rows


def _takes(group: str, segments: Sequence[PcmArray], noises: Sequence[PcmArray]) -> FloatArray:
    """Of one speaker, (segments, TAKES, 40)."""
    takes = [rows_in_turn(segments)]
    for take in range(1, TAKES):
        seed = zlib.crc32(f"{group}/{take}".encode())
        # A generator that begins anew draws the same for each segment.
        takes.append(rows_in_turn([varied_sound(own, noises, np.random.default_rng(seed)) for own in segments]))
    return np.stack(takes, axis=1)
