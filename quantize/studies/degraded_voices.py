"""Speech, int16 mono 16 kHz, as it comes in noise, from across a room, by telephone, overloaded or too soft.

It is degraded before the voice gate hears it: what the gate then misses is a part of the loss.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import soxr
from scipy import signal

from device.arrays import DoubleArray, PcmArray
from device.features.voice_activity import VAD_FRAME_SAMPLES
from device.signals import SAMPLE_RATE_HZ
from quantize.studies.degradations import Degradation

SNRS_DB = (20, 10, 5, 0)
RT60S_S = (0.3, 0.6, 1.0)
ROOM_M3 = 50.0
"""A living room of 20 m², 2.5 m high."""
DISTANCE_M = 1.5
CUTS_DB = (6, 12, 20)
SOFTER_DB = 20
TELEPHONE_RATE_HZ = 8000
TELEPHONE_BAND_HZ = (300.0, 3400.0)
MU = 255.0
"""As ITU-T G.711 codes speech."""
ACTIVITY_MARGIN_DB = 15.9
"""As ITU-T P.56: what is so far below the active level is a pause."""
_FULL_SCALE = 32768.0


def voice_degradations(noises: Sequence[PcmArray]) -> list[Degradation]:
    """All of them, from mild to severe within each family; ``noises`` as ``quantize.datasets.noises`` reads them."""
    mix = partial(in_noise, noises=noises)
    return [
        *(Degradation("noise", n, "dB SNR", _NOISE, partial(mix, snr_db=n)) for n in SNRS_DB),
        *(Degradation("reverberation", s, "s", _ROOM, partial(in_room, rt60_s=s)) for s in RT60S_S),
        Degradation("telephone", None, "", "300 to 3,400 Hz, 8 kHz, 8 bits by µ-law", telephoned),
        *(Degradation("clipping", n, "dB", "cut so far below its peak", partial(cut, by_db=n)) for n in CUTS_DB),
        Degradation("softer", SOFTER_DB, "dB", "then rounded to 16 bits", partial(softened, by_db=SOFTER_DB)),
    ]


_NOISE = (
    "a noise of the held-out half, drawn for each clip, under all of it; the ratio is that of the speech's active "
    "level (ITU-T P.56: without pauses) to the noise's mean power"
)
_ROOM = (
    "the time to fall by 60 dB; direct sound and an exponentially decaying tail (Polack's model), "
    f"{DISTANCE_M:g} m from the voice in a room of {ROOM_M3:g} m³; as loud as the clip was"
)


def in_noise(clip: PcmArray, rng: np.random.Generator, *, noises: Sequence[PcmArray], snr_db: float) -> PcmArray:
    """The clip under a noise drawn from ``noises``, begun anywhere and repeated as often as it takes."""
    noise = noises[int(rng.integers(len(noises)))].astype(np.float64)
    noise = np.resize(np.roll(noise, -rng.integers(len(noise))), len(clip))
    wanted = active_power(clip) / 10 ** (snr_db / 10)
    return _as_clip(clip + noise * math.sqrt(wanted / float(np.mean(noise**2))))


def active_power(clip: PcmArray) -> float:
    """The mean power of the 30 ms frames that are no pause, samples squared; of a clip shorter than that, of all.

    The threshold follows the level it leads to until both stand still, as in ITU-T P.56 (its margin, not its filter).
    """
    count = max(len(clip) // VAD_FRAME_SAMPLES, 1)
    powers = np.array([np.mean(frame) for frame in np.array_split(clip.astype(np.float64) ** 2, count)])
    level, before = float(powers.mean()), -1.0
    while level != before:
        before = level
        level = float(powers[powers >= before / 10 ** (ACTIVITY_MARGIN_DB / 10)].mean())
    return level


def in_room(clip: PcmArray, rng: np.random.Generator, *, rt60_s: float) -> PcmArray:
    """The clip as it sounds ``DISTANCE_M`` away in a room whose sound falls by 60 dB in ``rt60_s`` seconds."""
    heard = signal.fftconvolve(clip.astype(np.float64), room_response(rng, rt60_s))[: len(clip)]
    power, heard_power = float(np.mean(np.square(clip, dtype=np.float64))), float(np.mean(heard**2))
    return _as_clip(heard * math.sqrt(power / heard_power) if heard_power else heard)


def room_response(rng: np.random.Generator, rt60_s: float) -> DoubleArray:
    """An impulse response: the direct sound, 1, and a tail of white noise that decays with it (Polack, 1988).

    The decay is exp(-3 ln 10 · t / RT60). The tail's energy is that of the diffuse field of an even source:
    (distance / critical distance)², the critical distance 0.057 √(volume / RT60) in metres, m³ and s (Kuttruff, "Room
    Acoustics").
    """
    time_s = np.arange(1, round(rt60_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = rng.normal(size=len(time_s)) * np.exp(-3 * math.log(10) * time_s / rt60_s)
    diffuse = (DISTANCE_M / 0.057) ** 2 * rt60_s / ROOM_M3
    return np.concatenate([[1.0], tail * math.sqrt(diffuse / float(np.sum(tail**2)))])


def telephoned(clip: PcmArray, _: np.random.Generator) -> PcmArray:
    """The clip after a narrow-band telephone call."""
    band = signal.butter(4, TELEPHONE_BAND_HZ, "bandpass", fs=SAMPLE_RATE_HZ, output="sos")
    sent = soxr.resample(signal.sosfilt(band, clip / _FULL_SCALE), SAMPLE_RATE_HZ, TELEPHONE_RATE_HZ)
    received = soxr.resample(_mu_law(sent), TELEPHONE_RATE_HZ, SAMPLE_RATE_HZ)[: len(clip)]
    return _as_clip(np.pad(received, (0, len(clip) - len(received))) * _FULL_SCALE)


def _mu_law(samples: DoubleArray) -> DoubleArray:
    """-1…1 to 8 bits and back."""
    packed = np.sign(samples) * np.log1p(MU * np.minimum(np.abs(samples), 1)) / math.log1p(MU)
    rounded = np.rint(packed * 127) / 127
    return np.asarray(np.sign(rounded) * np.expm1(np.abs(rounded) * math.log1p(MU)) / MU)


def cut(clip: PcmArray, _: np.random.Generator, *, by_db: float) -> PcmArray:
    """The clip with its waves cut off ``by_db`` below its peak, as an overloaded microphone does."""
    limit = float(np.abs(clip.astype(np.float64)).max(initial=0)) / 10 ** (by_db / 20)
    return _as_clip(np.clip(clip, -limit, limit))


def softened(clip: PcmArray, _: np.random.Generator, *, by_db: float) -> PcmArray:
    """The clip spoken more softly, or farther away in the open."""
    return _as_clip(clip / 10 ** (by_db / 20))


def _as_clip(samples: DoubleArray) -> PcmArray:
    """As int16; what is too loud for that is made softer as a whole."""
    loudest = float(np.abs(samples).max(initial=0))
    return np.asarray(np.rint(samples * min(1.0, 32767 / max(loudest, 1.0))), dtype=np.int16)
