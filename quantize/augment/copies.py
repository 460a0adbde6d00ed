"""Augmented copies of voices, made once: speed, room and noise cost too much to be drawn anew in each epoch."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from device.arrays import PcmArray
from device.features import prosody
from device.features.frames import speech_frames
from device.features.mel import WINDOW_SAMPLES, LogEnergies, log_energies
from quantize.augment.voices import varied_sound
from quantize.datasets import Samples

COPIES = 7
"""Varied copies of each segment, beside itself."""
PROSODIC = 4
"""Of how many of these eight the prosody is measured, which takes time."""

Energies = NDArray[np.float16]
_Made = TypeVar("_Made")


@dataclass(frozen=True, eq=False, slots=True)
class CopiedVoices:
    """Several segments: of each itself first, then its varied copies, as log energies (frames, 40)."""

    energies: Sequence[list[Energies]]

    def drawn(self, number: int, rng: np.random.Generator, *, clean_share: float) -> LogEnergies:
        """The energies of a segment or of one of its copies."""
        copies = self.energies[number]
        chosen = 0 if rng.random() < clean_share else int(rng.integers(1, len(copies)))
        return np.asarray(copies[chosen], dtype=np.float64)


class CopyLibrary:
    """Makes the copies of each sample once, whichever trainings ask for them; samples are known by their names."""

    def __init__(self) -> None:
        self._energies: dict[str, list[Energies]] = {}
        self._prosody: dict[str, NDArray[np.float32]] = {}

    def copies_of(self, samples: Samples, noises: Sequence[PcmArray]) -> CopiedVoices:
        """The copies of preprocessed samples; ``noises`` are mixed under some."""
        return CopiedVoices(_made_once(self._energies, samples, noises, _energies, COPIES, "varying voices"))

    def prosody_of(self, samples: Samples, noises: Sequence[PcmArray]) -> NDArray[np.float32]:
        """Prosody of the last 3 s of each segment and of its first copies, float32 (segments, PROSODIC, 40)."""
        rows = _made_once(self._prosody, samples, noises, _prosody, PROSODIC - 1, "measuring prosody")
        return np.stack(rows)


def _made_once(
    known: dict[str, _Made],
    samples: Samples,
    noises: Sequence[PcmArray],
    made_of: Callable[[Sequence[PcmArray]], _Made],
    copies: int,
    title: str,
) -> list[_Made]:
    sounds = list(noises)
    for number in track(range(len(samples)), title, transient=True):
        name = samples.names[number]
        if name not in known:
            known[name] = made_of(_sounds(name, samples.signals[number], sounds, copies))
    return [known[name] for name in samples.names]


def _sounds(name: str, segment: PcmArray, noises: Sequence[PcmArray], copies: int) -> list[PcmArray]:
    """From a generator of the sample's own, so that a copy does not depend on what else is trained on."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    return [segment, *(varied_sound(segment, noises, rng) for _ in range(copies))]


def _energies(sounds: Sequence[PcmArray]) -> list[Energies]:
    return [log_energies(sound).astype(np.float16) for sound in sounds]


def _prosody(sounds: Sequence[PcmArray]) -> NDArray[np.float32]:
    return np.stack([prosody.row(speech_frames(sound[-WINDOW_SAMPLES:])) for sound in sounds])
