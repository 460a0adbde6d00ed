"""Voices varied for training: as sounds, a few times each before it begins, and as energies, each time anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from device.features.mel import BANDS, FRAMES, HOP_SAMPLES, STEP_SAMPLES, LogEnergies
from device.signals import RATE_HZ

Sound = NDArray[np.int16]
Wave = NDArray[np.float64]

SPEEDS, SPEED_SHARE = (0.87, 1.15), 0.85
"""Faster is higher, too."""
REVERBERATION_S, REVERBERATED_SHARE = (0.1, 0.5), 0.3
NOISE_SNR_DB, NOISY_SHARE = (3.0, 30.0), 0.6
LOUDEST = 30_000

TEMPO = 0.15
"""Largest logarithm of a change of tempo that leaves the pitch."""
WARP = 0.08
"""Largest logarithm of a stretch of the mel axis: a longer or shorter vocal tract (Jaitly & Hinton, 2013)."""
COLOUR = 0.3
"""Deviation of the first of four cosines over the bands, in nepers: another microphone."""
PIECE_SHARE = 0.3
SHORTEST_FRAMES = HOP_SAMPLES // STEP_SAMPLES


def varied_sound(stretch: Sound, noises: Sequence[Sound], rng: np.random.Generator) -> Sound:
    """The stretch at another speed, in another room, with a noise: each by chance."""
    wave = stretch.astype(np.float64)
    if rng.random() < SPEED_SHARE:
        wave = soxr.resample(wave, RATE_HZ, RATE_HZ * rng.uniform(*SPEEDS))
    if rng.random() < REVERBERATED_SHARE:
        wave = _reverberated(wave, rng)
    if len(noises) and rng.random() < NOISY_SHARE:
        wave = wave + _noise_under(wave, noises[int(rng.integers(len(noises)))], rng)
    wave /= max(1.0, np.abs(wave).max() / LOUDEST)
    return np.asarray(np.rint(wave), dtype=np.int16)


def _reverberated(wave: Wave, rng: np.random.Generator) -> Wave:
    """With a tail of noise that falls by 60 dB in the room's time (Moorer, 1979), with 20 to 80 % of the level."""
    length = int(rng.uniform(*REVERBERATION_S) * RATE_HZ)
    tail = rng.normal(size=length) * 10 ** (-3 * np.arange(length) / length)
    tail[0] = 0
    response = tail * rng.uniform(0.2, 0.8) / np.sqrt((tail**2).sum())
    response[0] = 1
    size = 1 << (len(wave) + length).bit_length()
    spectrum = np.fft.rfft(wave, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(wave)])


def _noise_under(wave: Wave, noise: Sound, rng: np.random.Generator) -> Wave:
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
    is_short = rng.random() < PIECE_SHARE and whole > SHORTEST_FRAMES
    kept = min(FRAMES, int(rng.integers(SHORTEST_FRAMES, whole + 1)) if is_short else whole)
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
