"""Prosody: statistics of pitch, voicing and movement, whatever the words and the microphone.

What a net learns of the spectra of a few corpora fails on another one; pitch and movement carry over better (as in the
parameter sets of Eyben et al., 2016, eGeMAPS). How loud the sound is is no cue, but for what noise hides of soft ones.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.arrays import DoubleArray
from device.features import logmel
from device.features.frames import MIN_VOICED_FRAMES, SpeechFrames
from device.features.mel import BANDS, FRAMES, LogEnergies
from device.features.order_statistics import quantile
from device.features.pitch import Pitches

FEATURE_VERSION = "logmel40-prosody22/1"
"""Raised whenever a model trained on older features would be served other numbers."""

MAX_STEP = 4.0
"""Semitones between neighbouring frames: more than that is an octave taken for another."""
CEPSTRA = 13
STATISTIC_LIMIT = 4.0
"""Statistics are cut at ±4 deviations, like the energies beside them."""

_MEANS = np.array(
    [
        *(11.591, 7.974, 15.96, 3.542, 0.579, -7.425),
        *(0.872, 0.11, 0.755),
        *(1.434, 0.658, 0.473, 0.349, 0.307, 0.282, 0.258, 0.227, 0.216, 0.2, 0.186, 0.179, 0.168),
    ]
)
_DEVIATIONS = np.array(
    [
        *(5.821, 5.783, 6.481, 1.593, 0.217, 10.105),
        *(0.059, 0.027, 0.106),
        *(0.276, 0.142, 0.089, 0.048, 0.048, 0.038, 0.036, 0.033, 0.03, 0.026, 0.024, 0.024, 0.024),
    ]
)
"""Of the 22 statistics, over RAVDESS, TESS and nEMO alike, as recorded: they bring them to one scale, no more."""

Mask = NDArray[np.bool_]

_COSINES = np.cos(np.pi * np.arange(CEPSTRA)[:, np.newaxis] * (np.arange(BANDS) + 0.5) / BANDS) / 20


def model_input(frames: SpeechFrames) -> NDArray[np.float32]:
    """What ``logmel.model_input`` makes of the last 128 frames, and ``row`` in one more: float32 (129, 40)."""
    recent = _last(frames)
    floored = logmel.floored(recent.energies)
    return np.vstack([logmel.normalised(floored), _scaled(_statistics(recent, floored))])


def _last(frames: SpeechFrames) -> SpeechFrames:
    first = max(0, len(frames.energies) - FRAMES)
    pitches = Pitches(*(values[first:] for values in frames.pitches))
    return SpeechFrames(frames.energies[first:], frames.levels[first:], pitches)


def row(frames: SpeechFrames) -> NDArray[np.float32]:
    """Prosody as a model takes it, float32 (40,).

    The 22 statistics less their means over our corpora, in deviations; the rest is zero, and all of it where hardly
    anything is voiced: the voice is then taken for an average one.
    """
    return _scaled(statistics(frames))


def _scaled(found: DoubleArray | None) -> NDArray[np.float32]:
    values = np.zeros(BANDS, dtype=np.float32)
    if found is not None:
        values[: len(found)] = np.clip((found - _MEANS) / _DEVIATIONS, -STATISTIC_LIMIT, STATISTIC_LIMIT)
    return values


def statistics(frames: SpeechFrames) -> DoubleArray | None:
    """Of at most 3 s, (22,): six of pitch, three of voicing, 13 of movement; ``None`` where hardly any voice is."""
    return _statistics(frames, logmel.floored(frames.energies))


def _statistics(frames: SpeechFrames, floored: LogEnergies) -> DoubleArray | None:
    hz, harmonicity = frames.pitches
    is_active, places = frames.is_active, frames.voiced
    if len(places) < MIN_VOICED_FRAMES:
        return None
    semitones = 12 * np.log2(hz[places] / 100)
    return np.concatenate(
        [
            _of_pitch(semitones, places),
            _of_voicing(harmonicity[places], int(np.count_nonzero(is_active))),
            _of_movement(floored, is_active),
        ]
    )


def _of_pitch(semitones: DoubleArray, places: NDArray[np.int64]) -> DoubleArray:
    """Median, 10th and 90th percentile (semitones above 100 Hz), deviation, mean step, slope (semitones in 3 s)."""
    steps = np.abs(np.diff(semitones)[np.diff(places) == 1])
    small = steps[steps < MAX_STEP]
    time = (places - places.mean()) / FRAMES  # of hardly any time there is hardly a slope
    slope = (time * semitones).mean() / max(1e-3, (time**2).mean())
    ranked = np.sort(semitones).tolist()
    shares = [quantile(ranked, share) for share in (0.5, 0.1, 0.9)]
    return np.array([*shares, semitones.std(), small.sum() / max(1, len(small)), slope])


def _of_voicing(harmonicity: DoubleArray, active: int) -> DoubleArray:
    """Mean and deviation of the harmonicity where there is voice, and in how many of the active frames that is."""
    return np.array([harmonicity.mean(), harmonicity.std(), len(harmonicity) / active])


def _of_movement(floored: LogEnergies, is_active: Mask) -> DoubleArray:
    """How much each of 13 cepstral coefficients changes from frame to frame, on average."""
    cepstra = floored @ _COSINES.T
    steps = np.abs(np.diff(cepstra, axis=0))[is_active[1:] & is_active[:-1]]
    return np.asarray(steps.sum(axis=0) / max(1, len(steps)))
