"""Numbers about a person's expression: the only thing that may leave the device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Literal, get_args

NS_PER_S = 1_000_000_000
"""Times are monotonic, in nanoseconds."""


class Emotion(StrEnum):
    """The seven classes, in the order of every probability vector of the project."""

    ANGRY = "angry"
    DISGUST = "disgust"
    FEAR = "fear"
    HAPPY = "happy"
    NEUTRAL = "neutral"
    SAD = "sad"
    SURPRISE = "surprise"


EMOTIONS: tuple[Emotion, ...] = tuple(Emotion)

UNCERTAIN = "uncertain"
"""The label when the best emotion is below the threshold."""

NOBODY = "nobody"
"""The label when there is neither a face nor a voice: a sensor looked or listened, and found none."""

UNKNOWN = "unknown"
"""The label while no sensor looks or listens, or none may be believed; the estimate's ``reason`` says why."""

LABELS: tuple[str, ...] = (*map(str, EMOTIONS), UNCERTAIN, NOBODY, UNKNOWN)
"""All that an estimate's label may be."""

if TYPE_CHECKING:
    Label = str
else:
    Label = Literal[LABELS]
    """The same as a type, for schemas; a type checker knows no literal that is made from a list."""

RuleName = Literal["average", "weighted", "max_confidence", "product", "learned"]
RULE_NAMES: tuple[RuleName, ...] = get_args(RuleName)
"""The fusion rules, see ``device.fusion.rules``."""


class Modality(StrEnum):
    """A modality: what an emotion was read from."""

    FACE = "face"
    SPEECH = "speech"


Mode = Literal["face", "speech", "both"]
MODES: tuple[Mode, ...] = get_args(Mode)
"""What may be read: one modality alone, or all there are."""

Probabilities = tuple[float, ...]
"""One probability an emotion, in the order of ``EMOTIONS``; they sum to 1. Made by ``probabilities``."""

MIN_PROBABILITY = 1 / 512
"""Half a step of an int8 softmax, whose steps are 1/256: a probability that reads 0 may be anything below this.

Its logarithm would be a veto for ever. Any smaller number would claim more certainty than the file can tell.
"""


def probabilities(values: Iterable[float]) -> Probabilities:
    """One number an emotion as Python's own floats. Raises ``ValueError`` for another count."""
    probs = tuple(map(float, values))
    if len(probs) != len(EMOTIONS):
        raise ValueError(f"{len(probs)} probabilities for {len(EMOTIONS)} emotions")
    return probs


def leader(probs: Probabilities) -> tuple[Emotion, float]:
    """The likeliest emotion, the first of equals, and its probability."""
    best = max(range(len(EMOTIONS)), key=probs.__getitem__)
    return EMOTIONS[best], probs[best]


@dataclass(frozen=True, slots=True)
class Reading:
    """A model's output for one face or one window of speech.

    ``captured_ns`` is the monotonic capture time (of speech: of the window's end); ``quality`` is in 0…1.
    """

    modality: Modality
    captured_ns: int
    probs: Probabilities
    quality: float = 1.0


@dataclass(frozen=True, slots=True)
class ModalityState:
    """One modality's part in an estimate; ``weight`` is in 0…1 and 0 while it is not present."""

    present: bool
    age_ms: float | None = None
    quality: float | None = None
    weight: float = 0.0
    probs: Probabilities | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """The fused emotion at one moment, which is what is published.

    ``label`` is an emotion, ``uncertain``, ``nobody`` or ``unknown``, which has a ``reason`` (``privacy``, ``camera
    lost``); ``valence`` and ``arousal`` are in -1…1; ``confidence`` is the fused probability of the label, of the best
    emotion while uncertain, and 0 with nobody and while unknown.

    ``uncertain_below`` and ``hold_s`` are what the label was chosen by (``LabelHysteresis``); ``None`` where that is
    not told. ``unsmoothed`` is what the rule makes of the newest readings alone, ``probs`` are these smoothed over
    time; ``None`` without any, and where that is not told.
    """

    captured_ns: int
    label: str
    confidence: float
    valence: float
    arousal: float
    probs: Probabilities | None
    modalities: Mapping[Modality, ModalityState]
    rule: str
    uncertain_below: float | None = None
    hold_s: float | None = None
    reason: str | None = None
    unsmoothed: Probabilities | None = None
