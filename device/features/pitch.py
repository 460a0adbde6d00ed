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
_FFT = 2048
_HZ = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HZ)
_WINDOW_CORRELATION = np.fft.irfft(np.abs(np.fft.rfft(_WINDOW, _FFT)) ** 2)[: _LAGS[1] + 2]


class Pitches(NamedTuple):
    """Of some spans of sound, float64 (spans,) each.

    ``hz`` is 0 where there is no pitch in a voice's range; ``harmonicity`` is the height of the autocorrelation's best
    peak: 1 for a tone, about 0.3 for hiss, 0 for silence.
    """

    hz: NDArray[np.float64]
    harmonicity: NDArray[np.float64]


def pitches(spans: NDArray[Any], band_hz: tuple[float, float] = (0.0, SAMPLE_RATE_HZ / 2)) -> Pitches:
    """The pitches of spans of 60 ms, (spans, 960), 16 kHz.

    Without its high tones a voice in noise is found more surely; with them, a breathy voice is less harmonic.
    """
    is_heard = (band_hz[0] <= _HZ) & (band_hz[1] >= _HZ)
    waves = spans.astype(np.float64)
    spectra = np.abs(np.fft.rfft((waves - waves.mean(axis=1, keepdims=True)) * _WINDOW, _FFT)) ** 2
    correlations = np.fft.irfft(np.where(is_heard, spectra, 0.0))[:, : _LAGS[1] + 2] / _WINDOW_CORRELATION
    powers = correlations[:, :1]
    heights = correlations[:, slice(*_LAGS)] / np.where(powers > 0, powers, 1.0)
    before, after = (correlations[:, _LAGS[0] + step : _LAGS[1] + step] for step in (-1, 1))
    here = correlations[:, slice(*_LAGS)]
    is_peak = (here >= before) & (here > after) & (powers > 0)
    best = heights.max(axis=1, initial=0.0, where=is_peak)
    lags = _LAGS[0] + np.argmax(is_peak & (heights >= _SAME_PEAK * best[:, np.newaxis]), axis=1)
    hz = SAMPLE_RATE_HZ / lags
    return Pitches(np.where((best > 0) & (hz <= _HIGHEST_PITCH_HZ), hz, 0.0), best)
