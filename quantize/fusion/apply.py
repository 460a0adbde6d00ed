"""The appliance's rules on whole sets of answers: what is measured is what ships."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from device.fusion.rules import Rule
from device.readings import Modality, Reading
from quantize.fusion.openface import FloatArray

FULL_QUALITY = {Modality.FACE: 1.0, Modality.SPEECH: 1.0}


def fused(
    rules: Sequence[Rule], face: FloatArray, speech: FloatArray, *, quality: Mapping[Modality, float]
) -> FloatArray:
    """Fuse answers (n, 7), each pair by its own of the n rules, into probabilities (n, 7).

    All are of the same quality; a modality without one is absent.
    """
    said = {Modality.FACE: face, Modality.SPEECH: speech}
    present = [_readings(modality, said[modality], its) for modality, its in quality.items()]
    together = ({reading.modality: reading for reading in pair} for pair in zip(*present, strict=True))
    return np.array([rule(readings).probs for rule, readings in zip(rules, together, strict=True)])


def _readings(modality: Modality, probs: FloatArray, quality: float) -> list[Reading]:
    return [Reading(modality, 0, (a, b, c, d, e, f, g), quality) for a, b, c, d, e, f, g in probs.tolist()]
