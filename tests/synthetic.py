"""Corpora in their official layouts, of made-up faces and voices, for tests of the workshop."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import soundfile
from numpy.typing import NDArray
from perception import Grey, astronaut

from device.signals import SAMPLE_RATE_HZ
from quantize.datasets import Samples, Split
from quantize.datasets.ferplus import ANSWERS

OFFICIAL_LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
VOTED = (4, 5, 6, 1, 3, 2, 0)
"""The column of each official label's FER+ votes."""
USAGES = ("Training", "PublicTest", "PrivateTest")


def write_fer2013(folder: Path, *, each: int = 4) -> Path:
    """A FER2013 of ``each`` faces a class and part. The first picture of PrivateTest also stands in Training.

    Of the ten people of FER+ seven agree with the label and three say neutral; all call the third picture no face.
    """
    rng = np.random.default_rng(1)
    count = each * len(OFFICIAL_LABELS)
    images = rng.integers(0, 256, (count * len(USAGES), 48, 48), dtype=np.uint8)
    images[2 * count] = images[0]
    inexact = np.zeros(len(images), dtype=np.uint8)
    inexact[1] = 1
    labels = np.tile(np.arange(7, dtype=np.uint8), each * len(USAGES))
    votes = np.zeros((len(images), len(ANSWERS)), dtype=np.uint8)
    votes[np.arange(len(images)), np.array(VOTED)[labels]] = 7
    votes[:, 0] += 3
    votes[2] = [0] * 9 + [10]
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(
        folder / "fer2013_ferplus.npz",
        images=images,
        labels=labels,
        ferplus_votes=votes,
        vote_names=np.array(ANSWERS),
        usage=np.repeat(np.arange(3, dtype=np.uint8), count),
        label_names=np.array(OFFICIAL_LABELS),
        usage_names=np.array(USAGES),
        pixel_source=inexact,
    )
    return folder


def write_fer2013_table(folder: Path, *, each: int = 1) -> Path:
    """The same as the challenge gives it, a line a row, and no archive."""
    with np.load(write_fer2013(folder, each=each) / "fer2013_ferplus.npz") as arrays:
        lines = [
            f"{label},{' '.join(map(str, image.ravel()))},{USAGES[usage]}"
            for label, image, usage in zip(arrays["labels"], arrays["images"], arrays["usage"], strict=True)
        ]
    (folder / "fer2013_ferplus.npz").unlink()
    (folder / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines, ""]))
    return folder


def write_votes(folder: Path, votes: Iterable[str]) -> None:
    """FER+'s own table: a row of ten counts each, from neutral to NF."""
    head = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    lines = [f"Training,fer{i:07d}.png,{row}" for i, row in enumerate(votes)]
    (folder / "fer2013new.csv").write_text("\n".join([head, *lines, ""]))


def write_clips(folder: Path, names: Iterable[str]) -> Path:
    """A hummed clip for each name, whatever its folders."""
    rng = np.random.default_rng(4)
    for i, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, voice(rng, pitch_hz=110 + 10 * (i % 20)), SAMPLE_RATE_HZ)
    return folder


def write_pictures(folder: Path, names: Iterable[str], picture: Grey | None = None) -> Path:
    """One portrait under each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), astronaut() if picture is None else picture)
    return folder


def write_ckplus(folder: Path) -> Path:
    """Two people of CK+, three pictures a sequence: S005 shows 1 to 4 (2 is contempt), S010 5 to 7."""
    for person, codes in (("S005", (1, 2, 3, 4)), ("S010", (5, 6, 7))):
        for number, code in enumerate(codes, 1):
            own = f"{person}/{number:03d}/{person}_{number:03d}"
            write_pictures(folder / "cohn-kanade-images", [f"{own}_{frame:08d}.png" for frame in (1, 2, 3)])
            label = folder / "Emotion" / f"{own}_00000003_emotion.txt"
            label.parent.mkdir(parents=True)
            label.write_text(f"   {code:.7e}\n")
    return folder


def write_ravdess(folder: Path) -> Path:
    """All 1,440 names of RAVDESS speech, 48 kHz as its authors give them, with 20 ms of silence in each."""
    silence = np.zeros(960, dtype=np.int16)
    for actor in range(1, 25):
        own = folder / f"Actor_{actor:02d}"
        own.mkdir(parents=True)
        for name in _clip_names(actor):
            soundfile.write(own / f"{name}.wav", silence, 48_000)
    return folder


def _clip_names(actor: int) -> list[str]:
    return [
        f"03-01-{emotion:02d}-{intensity:02d}-{statement:02d}-{repetition:02d}-{actor:02d}"
        for emotion in range(1, 9)
        for intensity in ((1,) if emotion == 1 else (1, 2))
        for statement in (1, 2)
        for repetition in (1, 2)
    ]


def voice(rng: np.random.Generator, *, pitch_hz: float, seconds: float = 1.2) -> NDArray[np.int16]:
    """Syllables of a humming voice whose pitch rises and falls, between silences that hold a little noise."""
    time_s = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    pitch = pitch_hz * 2 ** (0.3 * np.sin(2 * np.pi * 1.3 * time_s))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE_HZ
    hum = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = 0.05 + np.clip(np.sin(2 * np.pi * 4 * time_s), 0, None)
    spoken = np.pad(3000 * hum * syllables, SAMPLE_RATE_HZ // 2)
    return np.asarray(np.rint(spoken + rng.normal(0, 3, len(spoken))), dtype=np.int16)


def voices(*, each: int) -> Split:
    """``each`` hummed clips a class and part, three made-up actors; each class has its pitch."""
    rng = np.random.default_rng(2)

    def part(actor: str) -> Samples:
        labels = np.tile(np.arange(7), each)
        return Samples(
            names=[f"{actor}-{i}" for i in range(len(labels))],
            signals=[voice(rng, pitch_hz=110 + 30 * label) for label in labels],
            labels=labels,
            groups=[actor] * len(labels),
        )

    test = part("carol")
    return Split(part("alice"), part("bob"), test, test, note="made-up voices")
