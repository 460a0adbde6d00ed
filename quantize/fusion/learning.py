"""What can be learned for a log-linear fusion: powers and biases under which the labels are likeliest.

Every form is a conditional logit (McFadden, 1974): a class's logit is the sum of its evidence times weights, and the
loss is convex.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar

from device.fusion.rules import LEAST
from device.readings import Modality
from quantize.metrics import CLASSES

FloatArray = NDArray[np.float64]
Labels = NDArray[np.int64]
Powers = dict[Modality, float]
TEMPERATURES = 0.1, 10.0
"""The sharpest and the flattest that is looked for; Guo et al., 2017, report 1 to 3."""


def temperature(probs: FloatArray, labels: Labels) -> float:
    """The temperature under which the labels are likeliest, from probabilities (n, 7) as rules take their logarithms.

    Of an int8 file's answers many are 0 and stay so at any temperature: to count them as the rules do keeps a few
    zeros at the wrong place from deciding it.
    """

    def loss(log_temperature: float) -> float:
        told = tempered(probs, math.exp(log_temperature))[np.arange(len(labels)), labels]
        return -float(np.log(np.maximum(told, LEAST)).mean())

    return float(math.exp(minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded").x))


def tempered(probs: FloatArray, temperature: float) -> FloatArray:
    """Probabilities (n, 7) at a temperature: ``device.models.probabilities.calibrated`` of each row."""
    raised = probs ** (1 / temperature)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def powers(face: FloatArray, speech: FloatArray, labels: Labels) -> Powers:
    """The powers of a log-linear rule under which the labels are likeliest, from calibrated probabilities (n, 7)."""
    of_face, of_speech = fit(a_power_each(face, speech), labels)
    return {Modality.FACE: float(of_face), Modality.SPEECH: float(of_speech)}


def fit(evidence: FloatArray, labels: Labels) -> FloatArray:
    """The weights (k,) under which the labels (n,) are likeliest, from evidence (n, 7, k) for each class."""
    told = evidence[np.arange(len(labels)), labels]

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        probs = softmax(evidence @ weights)
        likelihood = np.log(np.maximum(probs[np.arange(len(labels)), labels], np.finfo(np.float64).tiny))
        slope = np.einsum("nc,nck->k", probs, evidence) - told.sum(axis=0)
        return -float(likelihood.mean()), slope / len(labels)

    return np.asarray(minimize(loss, np.zeros(evidence.shape[2]), jac=True, method="BFGS").x)


def logs(probs: FloatArray) -> FloatArray:
    """Logarithms as the appliance's rules take them."""
    return np.asarray(np.log(np.maximum(probs, LEAST)))


def softmax(logits: FloatArray) -> FloatArray:
    """Rows that sum to 1."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def a_power_each(face: FloatArray, speech: FloatArray) -> FloatArray:
    """Evidence for one power a modality (n, 7, 2): what the rule ``learned`` is made of."""
    return np.stack([logs(face), logs(speech)], axis=2)


def and_a_bias_a_class(face: FloatArray, speech: FloatArray) -> FloatArray:
    """Evidence for one power a modality and a bias a class (n, 7, 9)."""
    return np.concatenate([a_power_each(face, speech), _one_a_class(np.ones_like(face))], axis=2)


def a_power_a_class(face: FloatArray, speech: FloatArray) -> FloatArray:
    """Evidence for a power a class and modality and a bias a class (n, 7, 21)."""
    parts = (logs(face), logs(speech), np.ones_like(face))
    return np.concatenate([_one_a_class(part) for part in parts], axis=2)


def _one_a_class(values: FloatArray) -> FloatArray:
    return np.asarray(values[..., np.newaxis] * np.eye(CLASSES))


FORMS: Mapping[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "a power a modality": a_power_each,
    "a power a modality, a bias a class": and_a_bias_a_class,
    "a power and a bias a class and modality": a_power_a_class,
}
