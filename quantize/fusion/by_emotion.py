"""Which emotions gain from the second modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from device.readings import EMOTIONS
from quantize.fusion.openface import FloatArray
from quantize.fusion.performances import Performances
from quantize.paired import Bools, compare


@dataclass(frozen=True, slots=True)
class EmotionGain:
    """One emotion's recalls in 0…1 and what the product gains over the better modality of all emotions taken together.

    ``wilcoxon_p`` is over actors.
    """

    emotion: str
    samples: int
    face: float
    speech: float
    product: float
    gain: float
    low: float | None
    high: float | None
    wilcoxon_p: float | None


def gains(answers: Mapping[str, FloatArray], performances: Performances, better: str) -> tuple[EmotionGain, ...]:
    """What the rule ``product`` gains over the modality ``better``, emotion by emotion."""
    right = {name: is_right(answers[name], performances) for name in ("face", "speech", "product")}
    return tuple(
        _gain(str(emotion), performances.labels == number, right, performances, better)
        for number, emotion in enumerate(EMOTIONS)
    )


def _gain(emotion: str, own: Bools, right: Mapping[str, Bools], performances: Performances, better: str) -> EmotionGain:
    actors = [group for group, its in zip(performances.groups, own, strict=True) if its]
    paired = compare(right[better][own], right["product"][own], performances.labels[own], actors)
    gain = paired.accuracy_difference
    return EmotionGain(
        emotion=emotion,
        samples=int(own.sum()),
        face=float(right["face"][own].mean()),
        speech=float(right["speech"][own].mean()),
        product=float(right["product"][own].mean()),
        gain=gain.value,
        low=gain.low,
        high=gain.high,
        wilcoxon_p=paired.wilcoxon_p,
    )


def is_right(probs: FloatArray, performances: Performances) -> Bools:
    """Of which performances the likeliest emotion is the one that was played (n,)."""
    return np.asarray(probs.argmax(axis=1) == performances.labels)
