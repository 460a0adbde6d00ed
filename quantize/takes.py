"""Varied copies of voices, made once: speed, room and noise cost too much to be drawn anew in each epoch."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.features import prosody
from device.features.frames import speech_frames
from device.features.mel import WINDOW_SAMPLES, LogEnergies, log_energies
from quantize.datasets import Samples
from quantize.voice_variation import Sound, varied_sound

COPIES = 7
"""Varied copies of each stretch, beside itself."""
PROSODIC = 4
"""How many of these eight are listened to for their prosody, which takes time."""

Energies = NDArray[np.float16]


@dataclass(frozen=True, eq=False, slots=True)
class Take:
    """One stretch: itself first, then its varied copies.

    ``energies`` are log energies (frames, 40) each, ``prosody`` is of the last 3 s of the first few, float32
    (PROSODIC, 40).
    """

    energies: Sequence[Energies]
    prosody: NDArray[np.float32]


@dataclass(frozen=True, eq=False, slots=True)
class Takes:
    """The takes of several stretches."""

    of: Sequence[Take]

    @property
    def prosody(self) -> NDArray[np.float32]:
        """Float32 (stretches, PROSODIC, 40)."""
        return np.stack([take.prosody for take in self.of])

    def drawn(self, number: int, rng: np.random.Generator, *, clean_share: float) -> LogEnergies:
        """The energies of a stretch or of one of its copies."""
        takes = self.of[number].energies
        take = 0 if rng.random() < clean_share else int(rng.integers(1, len(takes)))
        return np.asarray(takes[take], dtype=np.float64)


class TakeLibrary:
    """Makes the takes of each sample once, whichever trainings ask for them; samples are known by their names."""

    def __init__(self) -> None:
        self._shelf: dict[str, Take] = {}

    def takes_of(self, samples: Samples, noises: Sequence[Sound]) -> Takes:
        """The takes of heard samples; ``noises`` are mixed under some copies."""
        sounds = list(noises)
        for number in track(range(len(samples)), "varying voices", transient=True):
            name = samples.names[number]
            if name not in self._shelf:
                self._shelf[name] = _made(name, samples.signals[number], sounds)
        return Takes([self._shelf[name] for name in samples.names])


def prosodies(samples: Samples, noises: Sequence[Sound]) -> NDArray[np.float32]:
    """What ``Takes.prosody`` is of heard samples, without the rest: it takes half as long."""
    sounds = list(noises)
    numbers = track(range(len(samples)), "listening to prosody", transient=True)
    return np.stack([_prosody(_sounds(samples.names[i], samples.signals[i], sounds, PROSODIC - 1)) for i in numbers])


def _made(name: str, stretch: Sound, noises: Sequence[Sound]) -> Take:
    sounds = _sounds(name, stretch, noises, COPIES)
    return Take([log_energies(sound).astype(np.float16) for sound in sounds], _prosody(sounds[:PROSODIC]))


def _sounds(name: str, stretch: Sound, noises: Sequence[Sound], copies: int) -> list[Sound]:
    """From a generator of the sample's own, so that a take does not depend on what else is trained on."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return [stretch, *(varied_sound(stretch, noises, rng) for _ in range(copies))]


def _prosody(sounds: Sequence[Sound]) -> NDArray[np.float32]:
    return np.stack([prosody.row(speech_frames(sound[-WINDOW_SAMPLES:])) for sound in sounds])
