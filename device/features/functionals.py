"""Functionals of a voice: utterance-level statistics of pitch, voicing, loudness and timbre.

Most are those of eGeMAPS (Eyben et al., 2016), made of what the frames hold anyway: pitch and harmonicity by
autocorrelation, and 40 mel bands in place of a finer spectrum. None tells how loud the sound is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.arrays import BoolArray, DoubleArray
from device.features import logmel
from device.features.frames import ACTIVE_RANGE, MIN_VOICED_FRAMES, SpeechFrames
from device.features.mel import BANDS, FRAMES, STEP_SAMPLES, LogEnergies, band_edges_hz
from device.features.order_statistics import quantile
from device.signals import SAMPLE_RATE_HZ

FUNCTIONALS = (
    "F0semitone_percentile50",  # semitones above 100 Hz
    "F0semitone_pctlrange20-80",  # semitones
    "F0semitone_slope",  # semitones in 3 s
    "F0semitone_step",  # mean change from frame to frame, semitones
    "HNR_mean",  # height of the autocorrelation's peak, 0 to 1
    "HNR_stddev",
    "voiced_share",  # of the active frames
    "loudness_pctlrange20-80",  # nepers of energy, of the active frames
    "loudness_meanRisingSlope",  # nepers a frame
    "loudnessPeaksPerSec",  # about syllables
    "spectralFlux",  # mean change of a band from frame to frame beside that of all, nepers
    "alphaRatio",  # energy of 50 to 1000 Hz over that of 1 to 5 kHz, nepers
    "alphaRatio_stddev",
    "hammarbergIndex",  # strongest band below 2 kHz over the strongest of 2 to 5 kHz, nepers
    "slope500-1500",  # nepers a band
    "mfcc1_mean",  # means of voiced frames
    "mfcc2_mean",
    "mfcc3_mean",
    "mfcc4_mean",
    "mfcc1-4_step",  # mean change from frame to frame
    "mfcc5-12_step",
)
"""Their names, in their order; those that eGeMAPS has are called as there."""

MAX_STEP_SEMITONES = 4.0
"""Between neighbouring frames: more is an octave taken for another."""
MIN_PEAK_NEPERS = 1.0
"""A syllable's loudness rises by so much above the dips beside it: 4 dB."""
_CEPSTRA = 13
_COSINES = np.cos(np.pi * np.arange(1, _CEPSTRA)[:, np.newaxis] * (np.arange(BANDS) + 0.5) / BANDS) / 20
_PEAKS_HZ = band_edges_hz()[1:-1]
_LOW, _HIGH = _PEAKS_HZ < 1000, (_PEAKS_HZ >= 1000) & (_PEAKS_HZ <= 5000)
_BELOW_2, _ABOVE_2 = _PEAKS_HZ < 2000, (_PEAKS_HZ >= 2000) & (_PEAKS_HZ <= 5000)
_FORMANT_1 = (_PEAKS_HZ >= 500) & (_PEAKS_HZ <= 1500)
_FRAMES_PER_S = SAMPLE_RATE_HZ / STEP_SAMPLES


def functionals(frames: SpeechFrames, floored: LogEnergies | None = None) -> DoubleArray | None:
    """Of at most 3 s, (21,): see ``FUNCTIONALS``; ``None`` where hardly any voice is.

    ``floored`` are the frames' energies by ``logmel.floored``, where they are at hand.
    """
    energies = logmel.floored(frames.energies) if floored is None else floored
    hz, harmonicity = frames.pitches
    is_active, places = frames.is_active, frames.voiced
    if len(places) < MIN_VOICED_FRAMES:
        return None
    cepstra = energies @ _COSINES.T
    is_both = is_active[1:] & is_active[:-1]
    return np.array(
        [
            *_of_pitch(12 * np.log2(hz[places] / 100), places),
            *_of_voicing(harmonicity[places], int(np.count_nonzero(is_active))),
            *_of_loudness(np.maximum(frames.levels, frames.levels.max() - ACTIVE_RANGE), is_active),
            _flux(energies, is_both),
            *_of_timbre(energies[places]),
            *cepstra[places, :4].mean(axis=0),
            *_of_movement(cepstra, is_both),
        ]
    )


def _of_pitch(semitones: DoubleArray, places: NDArray[np.int64]) -> tuple[float, ...]:
    ranked = np.sort(semitones).tolist()
    steps = np.abs(np.diff(semitones)[np.diff(places) == 1])
    small = steps[steps < MAX_STEP_SEMITONES]
    time = (places - places.mean()) / FRAMES  # of hardly any time there is hardly a slope
    slope = (time * semitones).mean() / max(1e-3, float((time**2).mean()))
    spread = quantile(ranked, 0.8) - quantile(ranked, 0.2)
    return quantile(ranked, 0.5), spread, float(slope), float(small.sum() / max(1, len(small)))


def _of_voicing(harmonicity: DoubleArray, active: int) -> tuple[float, ...]:
    return float(harmonicity.mean()), float(harmonicity.std()), len(harmonicity) / active


def _of_loudness(levels: DoubleArray, is_active: BoolArray) -> tuple[float, ...]:
    ranked = np.sort(levels[is_active]).tolist()
    rises = np.diff(levels)
    rising = rises[(rises > 0) & is_active[1:]]
    rise = float(rising.sum() / max(1, len(rising)))
    return quantile(ranked, 0.8) - quantile(ranked, 0.2), rise, _peaks(levels) * _FRAMES_PER_S / len(levels)


def _peaks(levels: DoubleArray) -> int:
    """How often the level rises by ``MIN_PEAK_NEPERS`` above its last dip and falls as far again, or ends."""
    peaks, is_rising, turn = 0, False, float(levels[0])
    for level in levels.tolist():
        turn = max(turn, level) if is_rising else min(turn, level)
        if abs(level - turn) >= MIN_PEAK_NEPERS:
            is_rising, turn = not is_rising, level
            peaks += is_rising
    return peaks


def _flux(energies: LogEnergies, is_both: BoolArray) -> float:
    steps = np.diff(energies, axis=0)[is_both]
    beside = np.abs(steps - steps.mean(axis=1, keepdims=True))
    return float(beside.sum() / max(1, beside.size))


def _of_timbre(energies: LogEnergies) -> tuple[float, ...]:
    powers = np.exp(energies)
    alpha = np.log(powers[:, _LOW].sum(axis=1) / powers[:, _HIGH].sum(axis=1))
    hammarberg = energies[:, _BELOW_2].max(axis=1) - energies[:, _ABOVE_2].max(axis=1)
    bands = np.flatnonzero(_FORMANT_1) - np.flatnonzero(_FORMANT_1).mean()
    slope = energies[:, _FORMANT_1].mean(axis=0) @ bands / (bands @ bands)
    return float(alpha.mean()), float(alpha.std()), float(hammarberg.mean()), float(slope)


def _of_movement(cepstra: DoubleArray, is_both: BoolArray) -> tuple[float, float]:
    steps = np.abs(np.diff(cepstra, axis=0))[is_both].sum(axis=0) / max(1, int(np.count_nonzero(is_both)))
    return float(steps[:4].mean()), float(steps[4:].mean())
