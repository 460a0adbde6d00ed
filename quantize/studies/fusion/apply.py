"""Fusion rules on whole sets of answers, which are those that ship, and the fits of what they take as given."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import minimize, minimize_scalar
from scipy.special import softmax

from device.arrays import DoubleArray, LabelArray
from device.fusion.rules import Rule
from device.readings import MIN_PROBABILITY, Modality, Reading, probabilities

Powers = dict[Modality, float]
TEMPERATURES = 0.1, 10.0
"""The sharpest and the flattest that is looked for; Guo et al., 2017, report 1 to 3."""


def fused_rows(rules: Sequence[Rule], face: DoubleArray, speech: DoubleArray) -> DoubleArray:
    """Fuse answers (n, 7), each pair of full quality by its own of the n rules, into probabilities (n, 7)."""
    pairs = zip(_readings(Modality.FACE, face), _readings(Modality.SPEECH, speech), strict=True)
    together = ({reading.modality: reading for reading in pair} for pair in pairs)
    return np.array([rule(readings).probs for rule, readings in zip(rules, together, strict=True)])


def _readings(modality: Modality, probs: DoubleArray) -> list[Reading]:
    return [Reading(modality, 0, probabilities(row), 1.0) for row in probs]


def temperature(probs: DoubleArray, labels: LabelArray) -> float:
    """The temperature under which the labels are likeliest, from probabilities (n, 7) as rules take their logarithms.

    Of an int8 file's answers many are 0 and stay so at any temperature: to count them as the rules do keeps a few
    zeros at the wrong place from deciding it.
    """

    def loss(log_temperature: float) -> float:
        likelihood = raised_to_temperature(probs, math.exp(log_temperature))[np.arange(len(labels)), labels]
        return -float(np.log(np.maximum(likelihood, MIN_PROBABILITY)).mean())

    return float(math.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def raised_to_temperature(probs: DoubleArray, temperature: float) -> DoubleArray:
    """Probabilities (n, 7) at a temperature: ``device.models.probabilities.temperature_scaled`` of each row."""
    raised = probs ** (1 / temperature)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def powers(face: DoubleArray, speech: DoubleArray, labels: LabelArray) -> Powers:
    """The powers of a log-linear rule under which the labels are likeliest, from calibrated probabilities (n, 7).

    A conditional logit (McFadden, 1974): a class's logit is the sum of both logarithms times their powers, and the
    loss is convex.
    """
    logs = np.log(np.maximum(np.stack([face, speech], axis=2), MIN_PROBABILITY))
    observed = logs[np.arange(len(labels)), labels].sum(axis=0)

    def loss(weights: DoubleArray) -> tuple[float, DoubleArray]:
        probs = softmax(logs @ weights, axis=1)
        likelihood = np.log(np.maximum(probs[np.arange(len(labels)), labels], np.finfo(np.float64).tiny))
        slope = np.einsum("nc,nck->k", probs, logs) - observed
        return -float(likelihood.mean()), slope / len(labels)

    of_face, of_speech = minimize(loss, np.zeros(2), jac=True, method="BFGS").x
    return {Modality.FACE: float(of_face), Modality.SPEECH: float(of_speech)}
