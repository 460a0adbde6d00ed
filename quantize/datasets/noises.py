"""Noises in two halves that never meet: one to train with, one to be heard in a robustness test only.

The halves are those of the nets' training. The thresholds of the voice gate were fitted to another half (see
``quantize.studies.voice_gate``), so the gate knows some of the noises that the test mixes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device.arrays import PcmArray
from device.features.voice_activity import VAD_FRAME_SAMPLES
from quantize.datasets.common import DatasetError
from quantize.datasets.sound import read_clip

_SUFFIXES = (".wav", ".ogg", ".opus", ".flac")
_SOURCE = "ESC-10 (github.com/karolpiczak/ESC-10) and nonspeech100 (G. Hu's '100 Nonspeech Sounds')"
HELD_OUT_RULE = "the files of the folder noise, sorted by path: the 1st, 3rd, … are for training, the others held out"


@dataclass(frozen=True, slots=True)
class NoiseFiles:
    """The paths of both halves."""

    training: tuple[Path, ...]
    held_out: tuple[Path, ...]


def noise_files(root: Path) -> NoiseFiles:
    """The noises in ``root``/noise, divided by ``HELD_OUT_RULE``. Raises ``DatasetError`` for fewer than two."""
    folder = root / "noise"
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    if len(paths) < 2:
        raise DatasetError(
            f"{folder}: {len(paths)} noises are there; get {_SOURCE} and unpack them there, "
            "or name the folder that holds corpus and noise with --root"
        )
    return NoiseFiles(training=tuple(paths[::2]), held_out=tuple(paths[1::2]))


def read_noises(paths: Sequence[Path]) -> list[PcmArray]:
    """The clips at ``paths``, int16 mono 16 kHz, without the digital silence that some are padded with.

    One that is nothing else is left out: it has no level to set. Raises ``UnreadableSignal``.
    """
    clips = [_without_padding(read_clip(path)) for path in paths]
    return [clip for clip in clips if len(clip)]


def _without_padding(clip: PcmArray) -> PcmArray:
    frames = clip[: len(clip) // VAD_FRAME_SAMPLES * VAD_FRAME_SAMPLES].reshape(-1, VAD_FRAME_SAMPLES)
    return frames[frames.any(axis=1)].ravel()
