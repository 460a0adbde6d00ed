"""Data augmentation of voices: of the sound, a few times before training, and of its energies, each time anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from device.arrays import PcmArray
from device.features.mel import BANDS, FRAMES, HOP_SAMPLES, STEP_SAMPLES, WINDOW_SAMPLES, LogEnergies
from device.signals import SAMPLE_RATE_HZ

Wave = NDArray[np.float64]

SPEEDS, SPEED_SHARE = (0.87, 1.15), 0.85
"""Faster is higher, too."""
REVERBERATION_S, REVERBERATED_SHARE = (0.1, 0.5), 0.3
NOISE_SNR_DB, NOISY_SHARE = (3.0, 30.0), 0.6
MAX_AMPLITUDE = 30_000

MIN_CUT_SAMPLES = 3 * SAMPLE_RATE_HZ // 4
"""The appliance's first reading of a segment comes after 0.75 s; nothing shorter is served but a short last segment."""
TEMPO = 0.15
"""Largest logarithm of a change of tempo that leaves the pitch."""
WARP = 0.08
"""Largest logarithm of a stretch of the mel axis: a longer or shorter vocal tract (Jaitly & Hinton, 2013)."""
COLOUR = 0.3
"""Deviation of the first of four cosines over the bands, in nepers: another microphone."""
PIECE_SHARE = 0.3
MIN_FRAMES = HOP_SAMPLES // STEP_SAMPLES


def varied_sound(segment: PcmArray, noises: Sequence[PcmArray], rng: np.random.Generator) -> PcmArray:
    """The segment at another speed, in another room, with a noise: each by chance."""
    wave = segment.astype(np.float64)
    if rng.random() < SPEED_SHARE:
        wave = soxr.resample(wave, SAMPLE_RATE_HZ, SAMPLE_RATE_HZ * rng.uniform(*SPEEDS))
    if rng.random() < REVERBERATED_SHARE:
        wave = _reverberated(wave, rng)
    if len(noises) and rng.random() < NOISY_SHARE:
        wave = wave + _noise_under(wave, noises[int(rng.integers(len(noises)))], rng)
    wave /= max(1.0, np.abs(wave).max() / MAX_AMPLITUDE)
    return np.asarray(np.rint(wave), dtype=np.int16)


def _reverberated(wave: Wave, rng: np.random.Generator) -> Wave:
    """With a tail of noise that falls by 60 dB in the room's time (Moorer, 1979), with 20 to 80 % of the level."""
    length = int(rng.uniform(*REVERBERATION_S) * SAMPLE_RATE_HZ)
    tail = rng.normal(size=length) * 10 ** (-3 * np.arange(length) / length)
    tail[0] = 0
    response = tail * rng.uniform(0.2, 0.8) / np.sqrt((tail**2).sum())
    response[0] = 1
    size = 1 << (len(wave) + length).bit_length()
    spectrum = np.fft.rfft(wave, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(wave)])


def _noise_under(wave: Wave, noise: PcmArray, rng: np.random.Generator) -> Wave:
    """The noise from a random place on, repeated where it is short, so far below the voice as is drawn."""
    turned = np.roll(noise.astype(np.float64), -int(rng.integers(len(noise))))
    fitting = np.resize(turned, len(wave))
    ratio = np.sqrt(np.mean(wave**2) / (np.mean(fitting**2) + 1))
    return np.asarray(fitting * ratio * 10 ** (-rng.uniform(*NOISE_SNR_DB) / 20))


def varied_energies(energies: LogEnergies, rng: np.random.Generator) -> LogEnergies:
    """A piece of at most 128 frames in another tempo, of another vocal tract, through another microphone."""
    piece = _warped(_piece(energies, rng), float(np.exp(rng.uniform(-WARP, WARP))))
    cosines = np.cos(np.pi * np.arange(1, 5)[:, np.newaxis] * (np.arange(BANDS) + 0.5) / BANDS)
    return np.asarray(piece + (rng.normal(size=4) * COLOUR / np.sqrt(np.arange(1, 5))) @ cosines)


def _piece(energies: LogEnergies, rng: np.random.Generator) -> LogEnergies:
    """Some of the frames, read off faster or slower: often the last ones, as the appliance serves them."""
    tempo = float(np.exp(rng.uniform(-TEMPO, TEMPO)))
    whole = max(1, int(len(energies) / tempo))
    is_short = rng.random() < PIECE_SHARE and whole > MIN_FRAMES
    kept = min(FRAMES, int(rng.integers(MIN_FRAMES, whole + 1)) if is_short else whole)
    from_anywhere = is_short or rng.random() < 0.5
    first = (rng.random() if from_anywhere else 1.0) * (whole - kept)
    return _between(energies, (first + np.arange(kept)) * tempo)


def _warped(energies: LogEnergies, factor: float) -> LogEnergies:
    places = (np.arange(BANDS) + 0.5) * factor - 0.5
    return _between(energies.T, places).T


def _between(rows: Wave, places: NDArray[np.floating[Any]]) -> Wave:
    """Rows at fractional places, between the first and the last one."""
    places = np.clip(places, 0, len(rows) - 1)
    low = np.minimum(places.astype(int), max(0, len(rows) - 2))
    share = (places - low)[:, np.newaxis]
    return np.asarray(rows[low] * (1 - share) + rows[np.minimum(low + 1, len(rows) - 1)] * share)


def cut_somewhere(segment: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """A piece of a voiced segment, at most 3 s: half of the time all of it, else a random length and place."""
    longest = min(len(segment), WINDOW_SAMPLES)
    length = longest
    if rng.random() < 0.5 and longest > MIN_CUT_SAMPLES:
        length = int(rng.integers(max(MIN_CUT_SAMPLES, longest // 2), longest + 1))
    first = int(rng.integers(0, len(segment) - length + 1))
    return segment[first : first + length]


def with_noise(samples: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Half of the time, the samples 6 dB louder to 12 dB softer with white noise 15 to 40 dB below them."""
    if rng.random() < 0.5:
        return samples
    gain = 10 ** (rng.uniform(-12, 6) / 20)
    signal = samples.astype(np.float64) * gain
    level = float(np.sqrt(np.mean(signal**2)))
    noise = rng.normal(0, level * 10 ** (-rng.uniform(15, 40) / 20), len(signal))
    return np.asarray(np.clip(np.rint(signal + noise), -32768, 32767), dtype=np.int16)


def masked(
    features: NDArray[np.float32], rng: np.random.Generator, *, frames: int = 16, coefficients: int = 8
) -> NDArray[np.float32]:
    """Up to so many frames and coefficients in a row set to their mean, 0 (SpecAugment, Park et al., 2019)."""
    result = features.copy()
    for axis, widest in ((0, frames), (1, coefficients)):
        width = int(rng.integers(0, widest + 1))
        first = int(rng.integers(0, features.shape[axis] - width + 1))
        result[(slice(None),) * axis + (slice(first, first + width),)] = 0
    return result
