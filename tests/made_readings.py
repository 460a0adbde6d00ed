"""Readings of a face and a voice, made up."""

import numpy as np

from device.fusion.rules import as_probabilities
from device.readings import EMOTIONS, Emotion, Modality, Probabilities, Reading

SECOND = 1_000_000_000


def surely(emotion: Emotion, p: float = 0.94) -> Probabilities:
    rest = (1 - p) / 6
    return as_probabilities(np.array([p if e is emotion else rest for e in EMOTIONS]))


def face(at_s: float, emotion: Emotion, p: float = 0.94, quality: float = 1.0) -> Reading:
    return Reading(Modality.FACE, int(at_s * SECOND), surely(emotion, p), quality)


def speech(at_s: float, emotion: Emotion, p: float = 0.94, quality: float = 1.0) -> Reading:
    return Reading(Modality.SPEECH, int(at_s * SECOND), surely(emotion, p), quality)
