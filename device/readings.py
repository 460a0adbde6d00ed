"""Numbers about a person's expression: the only thing that may leave the device."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


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


class Modality(StrEnum):
    """What an emotion was read from."""

    FACE = "face"
    SPEECH = "speech"


Probabilities = tuple[float, float, float, float, float, float, float]
"""One probability an emotion, in the order of ``EMOTIONS``; they sum to 1."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one model made of one face or one window of speech.

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
    """What the appliance says: the fused emotion at one moment.

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
