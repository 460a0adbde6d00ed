"""What the voice gate lets through: ``python -m quantize.voice_gate_report --root DIR``, DIR the folder of the corpora.

A clip is *missed* if no stretch holds 0.5 s of its speech, a noise *passes* if it gives a stretch of 0.75 s. Only
the held-out half of the noise files is used here, to pass and to be mixed in; thresholds were fitted to the other half,
though this one was in view when the last of them was chosen.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import webrtcvad
from rich.console import Console
from rich.progress import track

from device.capture.container import sound_blocks
from device.errors import AffectdError
from device.features.framing import LEAST_SAMPLES
from device.features.mel import HOP_SAMPLES
from device.features.voice import FRAME_SAMPLES, Samples, Stretch, voiced_stretches
from device.signals import RATE_HZ
from quantize.datasets import DatasetError
from quantize.datasets.sound import read_clip

SPEECH = {"RAVDESS": "ravdess/*/*.flac", "TESS": "tess/*.opus", "nEMO": "nemo/*.opus"}
OFFICE = "crema_d/VideoFlash/*.flv"
TALKS = ("jfk_1961_inaugural.flac", "librispeech_*.ogg", "obama_speech_iran2015.mp4")
SNRS_DB = (15, 10, 5)
EVERY = 20
"""One in so many clips is heard in noise."""
LEAD_SAMPLES = RATE_HZ
"""Noise alone before and after the clip, from which the gate learns its floor."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures, a line each; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m quantize.voice_gate_report", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="folder with ravdess, tess, nemo, noise, crema_d, …")
    root = parser.parse_args(arguments).root
    try:
        for line in report(root):
            Console().print(line, highlight=False)
    except AffectdError as error:
        Console(stderr=True, soft_wrap=True).print(f"voice_gate_report: {error}", markup=False, highlight=False)
        return error.exit_code
    return 0


def report(root: Path) -> Iterator[str]:
    """The lines of the report. Raises ``DatasetError`` if a corpus is not there."""
    for name, pattern in SPEECH.items():
        yield f"{name}: {_speech_line(found(root, pattern))}"
    clips = [read_clip(path) for pattern in SPEECH.values() for path in found(root, pattern)[::EVERY]]
    noises = [read_clip(path) for path in held_out_noises(root)]
    for snr_db in SNRS_DB:
        yield f"in noise at {snr_db} dB: {missed_in_noise(clips, noises, snr_db):.1%} missed (of one clip in {EVERY})"
    yield f"held-out noises: {np.mean([passes(n) for n in noises]):.1%} of {len(noises)} pass"
    for path in found(root, OFFICE):
        yield f"{path.name}: {_in_seconds(heard(path)[1])}"
    for path in [p for pattern in TALKS for p in found(root / "samples", pattern)]:
        yield f"{path.name}: {covered(*heard(path)):.0%} of the voice covered"
    yield f"{speed(clips):.0f} times real time"


def _speech_line(paths: Sequence[Path]) -> str:
    counts = [counted(read_clip(path)) for path in track(paths, console=Console(stderr=True), transient=True)]
    missed, single = np.mean([long == 0 for long, _ in counts]), np.mean([n == 1 for _, n in counts])
    return f"{missed:.1%} of {len(paths)} clips missed, {single:.1%} give exactly one stretch"


def _in_seconds(stretches: Iterable[Stretch]) -> str:
    return ", ".join(f"{s.first_sample / RATE_HZ:.2f} to {s.end_sample / RATE_HZ:.2f} s" for s in stretches) or "missed"


def found(root: Path, pattern: str) -> list[Path]:
    """The files of a corpus, sorted. Raises ``DatasetError`` if there is none."""
    paths = sorted(root.glob(pattern))
    if not paths:
        raise DatasetError(f"{root}: holds no {pattern}; name the folder that holds the corpora with --root")
    return paths


def held_out_noises(root: Path) -> list[Path]:
    """The half of the noises that the gate's thresholds were not fitted to."""
    return [p for p in found(root, "noise/**/*.flac") if _hash(p.relative_to(root)) % 2 == 1]


def _hash(path: Path) -> int:
    return int(hashlib.sha256(path.as_posix().encode()).hexdigest(), 16)


def counted(clip: Samples) -> tuple[int, int]:
    """The number of stretches of at least 0.5 s in a clip, and of all."""
    stretches = voiced_stretches(clip)
    return sum(s.end_sample - s.first_sample >= LEAST_SAMPLES for s in stretches), len(stretches)


def passes(noise: Samples) -> bool:
    """Whether a noise would be read as a voice: it gives a stretch as long as the time between two readings."""
    return any(s.end_sample - s.first_sample >= HOP_SAMPLES for s in voiced_stretches(noise))


def missed_in_noise(clips: Sequence[Samples], noises: Sequence[Samples], snr_db: float) -> float:
    """The share of clips, of those found without noise, that are missed with a noise drawn for each (always the same).

    The signal-to-noise ratio is that of the whole noise and the clip's stretch. Noises shorter than 2 s, or with more
    than a fifth of digital silence, are not drawn.
    """
    rng = np.random.default_rng(0)
    lasting = [noise for noise in noises if len(noise) > 2 * RATE_HZ and np.mean(noise == 0) < 0.2]
    spoken = [(clip, stretches[0]) for clip in clips if (stretches := voiced_stretches(clip))]
    missed = [_is_missed(clip, where, lasting[rng.integers(len(lasting))], snr_db) for clip, where in spoken]
    return float(np.mean(missed))


def _is_missed(clip: Samples, where: Stretch, noise: Samples, snr_db: float) -> bool:
    mixed = in_noise(clip, clip[where.first_sample : where.end_sample], noise, snr_db)
    first, end = LEAD_SAMPLES + where.first_sample, LEAD_SAMPLES + where.end_sample
    shared = [min(s.end_sample, end) - max(s.first_sample, first) for s in voiced_stretches(mixed)]
    return max(shared, default=0) < LEAST_SAMPLES


def in_noise(clip: Samples, voice: Samples, noise: Samples, snr_db: float) -> Samples:
    """The clip with a second of noise before and after, and under it, so many decibels softer than ``voice``."""
    power = np.mean(np.square(voice, dtype=np.float64)) / 10 ** (snr_db / 10)
    mixed = np.resize(noise.astype(np.float64), len(clip) + 2 * LEAD_SAMPLES)
    mixed *= np.sqrt(power / np.mean(mixed**2))
    mixed[LEAD_SAMPLES : LEAD_SAMPLES + len(clip)] += clip
    return np.asarray(np.rint(mixed * min(1.0, 32767 / np.abs(mixed).max())), dtype=np.int16)


def heard(path: Path) -> tuple[Samples, list[Stretch]]:
    """The sound of any film or sound file as the appliance replays it, and its stretches."""
    sound = np.concatenate([block.samples for block in sound_blocks(path, 30)])
    return sound, voiced_stretches(sound)


def covered(sound: Samples, stretches: Iterable[Stretch]) -> float:
    """The share of the frames that webrtcvad, at its strictest, takes for speech and that lie in a stretch."""
    vad = webrtcvad.Vad(3)
    firsts = range(0, len(sound) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    speech = [at for at in firsts if vad.is_speech(sound[at : at + FRAME_SAMPLES].tobytes(), RATE_HZ)]
    inside = np.zeros(len(sound), dtype=np.bool_)
    for stretch in stretches:
        inside[stretch.first_sample : stretch.end_sample] = True
    return float(np.mean(inside[speech]))


def speed(clips: Sequence[Samples]) -> float:
    """How many seconds of sound the gate takes in a second, on one core."""
    began_s = time.perf_counter()
    for clip in clips:
        voiced_stretches(clip)
    return sum(map(len, clips)) / RATE_HZ / (time.perf_counter() - began_s)


if __name__ == "__main__":
    raise SystemExit(main())
