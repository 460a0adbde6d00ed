"""Pitch and harmonicity: what tells speech from noise, and a lively voice from a flat one.

By autocorrelation (Boersma, 1993: divided by that of the window), from above 70 Hz to a shout's 500 Hz.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from device.signals import SAMPLE_RATE_HZ

SPAN_SAMPLES = 960
"""60 ms: four periods of the lowest voice."""
_LAGS = (SAMPLE_RATE_HZ // 1300, SAMPLE_RATE_HZ // 70)
_HIGHEST_PITCH_HZ = 500.0
_SAME_PEAK = 0.9  # an earlier peak this near to the best is the true period: a whistle is not a low voice

_WINDOW = np.hanning(SPAN_SAMPLES)
_FFT = 1200
"""A span and the longest lag: what goes round the end of the transform stays beyond."""
_FINE_FFT = 2048
"""Where a band is cut out of the spectrum its edges must be this fine."""
_FULL_BAND_HZ = (0.0, SAMPLE_RATE_HZ / 2)
_HZ = np.fft.rfftfreq(_FINE_FFT, 1 / SAMPLE_RATE_HZ)


def _autocorrelations(waves: NDArray[np.float64], band_hz: tuple[float, float]) -> NDArray[np.float64]:
    """Of waves, (spans, 960), within the band, up to the longest lag and one more: (spans, 230)."""
    if band_hz == _FULL_BAND_HZ:
        powers = np.abs(np.fft.rfft(waves, _FFT)) ** 2
        return np.fft.irfft(powers, _FFT)[:, : _LAGS[1] + 2]
    is_heard = (band_hz[0] <= _HZ) & (band_hz[1] >= _HZ)
    powers = np.where(is_heard, np.abs(np.fft.rfft(waves, _FINE_FFT)) ** 2, 0.0)
    return np.fft.irfft(powers)[:, : _LAGS[1] + 2]


_WINDOW_CORRELATION = _autocorrelations(_WINDOW[np.newaxis], _FULL_BAND_HZ)[0]


class Pitches(NamedTuple):
    """Of some spans of sound, float64 (spans,) each.

    ``hz`` is 0 where there is no pitch in a voice's range; ``harmonicity`` is the height of the autocorrelation's best
    peak: 1 for a tone, about 0.3 for hiss, 0 for silence.
    """

    hz: NDArray[np.float64]
    harmonicity: NDArray[np.float64]


def pitches(spans: NDArray[Any], band_hz: tuple[float, float] = _FULL_BAND_HZ) -> Pitches:
    """The pitches of spans of 60 ms, (spans, 960), 16 kHz.

    Without its high tones a voice in noise is found more surely; with them, a breathy voice is less harmonic.
    """
    waves = spans.astype(np.float64)
    waves = (waves - waves.mean(axis=1, keepdims=True)) * _WINDOW
    correlations = _autocorrelations(waves, band_hz) / _WINDOW_CORRELATION
    powers = correlations[:, :1]
    heights = correlations[:, slice(*_LAGS)] / np.where(powers > 0, powers, 1.0)
    before, after = (correlations[:, _LAGS[0] + step : _LAGS[1] + step] for step in (-1, 1))
    here = correlations[:, slice(*_LAGS)]
    is_peak = (here >= before) & (here > after) & (powers > 0)
    best = heights.max(axis=1, initial=0.0, where=is_peak)
    lags = _LAGS[0] + np.argmax(is_peak & (heights >= _SAME_PEAK * best[:, np.newaxis]), axis=1)
    hz = SAMPLE_RATE_HZ / lags
    return Pitches(np.where((best > 0) & (hz <= _HIGHEST_PITCH_HZ), hz, 0.0), best)
