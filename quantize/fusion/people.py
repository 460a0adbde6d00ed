"""How much people gain from a second modality: the votes on CREMA-D's 7,442 clips."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from quantize.datasets import DatasetError
from quantize.metrics import Figure
from quantize.paired import Interval, drawn_times

FILE = Path("crema_d_votes") / "summaryTable.csv"
LETTERS = {"ANG": "A", "DIS": "D", "FEA": "F", "HAP": "H", "NEU": "N", "SAD": "S"}
COLUMNS = {"voice": "VoiceVote", "face": "FaceVote", "both": "MultiModalVote"}
RAVDESS_PEOPLE = {"voice": 0.60, "face": 0.75, "both": 0.80}
"""Mean agreement of 247 raters with the intended emotion, eight classes: Livingstone & Russo, PLoS ONE 13, 2018."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class People:
    """Shares, in 0…1, of clips that the most people took for what was meant; of k emotions with equal votes one has
    1/k. ``gain`` is that of both over the better single modality. The intervals draw actors.
    """

    clips: int
    actors: int
    voice: Figure
    face: Figure
    both: Figure
    gain: Interval
    ravdess_published: Mapping[str, float]


def people(root: Path) -> People:
    """Score CREMA-D's voters. Raises ``DatasetError``."""
    rows = _rows(root / FILE)
    by_actor = _shares(rows)
    clips = by_actor[:, 0]
    shares = {name: by_actor[:, i + 1] for i, name in enumerate(COLUMNS)}
    figures = {name: _figure(right, clips) for name, right in shares.items()}
    better = max(("voice", "face"), key=lambda name: figures[name].value)
    gain = _figure(shares["both"] - shares[better], clips)
    return People(
        clips=len(rows),
        actors=len(by_actor),
        gain=Interval(gain.value, gain.low, gain.high),
        ravdess_published=RAVDESS_PEOPLE,
        **figures,
    )


def _rows(path: Path) -> Sequence[Mapping[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise DatasetError(f"{path}: not there ({error.strerror}); it is CREMA-D's own summaryTable.csv") from error
    except ValueError as error:
        raise DatasetError(f"{path}: not CREMA-D's table of votes ({error})") from error


def _shares(rows: Sequence[Mapping[str, str]]) -> FloatArray:
    """By actor: clips, and how many of them voice, face and both were right on; (actors, 4)."""
    by_actor: dict[str, FloatArray] = {}
    try:
        for row in rows:
            actor, _, emotion, _ = row["FileName"].split("_")
            right = [1.0, *(_share(row[column], LETTERS[emotion]) for column in COLUMNS.values())]
            by_actor[actor] = by_actor.get(actor, np.zeros(len(right))) + right
    except (KeyError, ValueError) as error:
        raise DatasetError(f"{FILE}: not CREMA-D's table of votes ({error})") from error
    if not by_actor:
        raise DatasetError(f"{FILE}: no clip is in it")
    return np.array(list(by_actor.values()))


def _share(vote: str, meant: str) -> float:
    most = vote.split(":")
    return most.count(meant) / len(most)


def _figure(right: FloatArray, clips: FloatArray) -> Figure:
    times = drawn_times(len(clips))
    low, high = np.percentile((times @ right) / (times @ clips), [2.5, 97.5])
    return Figure(float(right.sum() / clips.sum()), float(low), float(high))
