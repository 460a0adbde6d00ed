"""Explanation: an attribution map over the face and over the voice, and how much each modality contributed.

A net is run again and again with places hidden at random, and a linear model gives what each place adds to the
probability: the local linear model of Ribeiro et al. 2016 ("Why should I trust you?") over the soft random masks of
Petsiuk et al. 2018 (RISE). It takes no gradients, so it holds for every net and every engine, int8 as well as float.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import permutations

import cv2
import numpy as np
from numpy.typing import NDArray

from desktop_server.inference.batching import BatchNet
from desktop_server.schema.analysis import Explanation
from device.arrays import FloatArray
from device.features.mel import FRAMES
from device.fusion.rules import RULES
from device.models.net import Net
from device.models.probabilities import served
from device.readings import EMOTIONS, Emotion, Modality, Reading

MASKS = 256
METHOD = f"local linear model of {MASKS} random masks (LIME over RISE's masks); Shapley values of the modalities"
_RIDGE = 0.025
"""Of the masks' number: the least squares are damped by so much, as 256 answers are few for a hundred cells."""
_CHUNK = 64
"""Masked copies a call: more at once make a net slower on a processor, as they leave its cache."""
_SEED = 1
_DIGITS = 3
_NOTHING = 1e-6
"""A place that adds less adds nothing: answers of the same input differ by as much."""


@dataclass(frozen=True, slots=True)
class Masking:
    """How an input is masked: ``cells`` of a grid (rows, columns) are replaced by the ``background``."""

    cells: tuple[int, int]
    background: Callable[[FloatArray], FloatArray]


def blurred_background(picture: FloatArray) -> FloatArray:
    """What is left of a face without its features; a Gaussian of 6 pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 6.0), dtype=np.float32)


def mean_background(features: FloatArray) -> FloatArray:
    """Of speech features the mean of all, which holds no information."""
    return np.full_like(features, features.mean())


MASKINGS: Mapping[Modality, Masking] = {
    Modality.FACE: Masking((8, 8), blurred_background),
    Modality.SPEECH: Masking((16, 8), mean_background),
}
"""Of three grids each, docs/explanations.json finds these truest to the nets."""


@dataclass(frozen=True, eq=False, slots=True)
class MaskableInput:
    """A net's input and the part of it that can be masked, float32 (height, width), with or without a channel.

    That is all of a face, and the moments of a voice: its prosody, which belongs to no moment, stays as it is.
    """

    net: Net
    values: FloatArray

    @property
    def picture(self) -> FloatArray:
        """The part that can be masked, (height, width)."""
        return self._whole[: self._height]

    @property
    def _whole(self) -> FloatArray:
        return self.values[..., 0] if self.values.ndim == 3 else self.values

    @property
    def _height(self) -> int:
        return FRAMES if self.net.card.kind == "speech" else len(self.values)

    def inputs(self, pictures: FloatArray) -> FloatArray:
        """The net's inputs where pictures (n, height, width) stand in the place of this one."""
        rest = np.broadcast_to(self._whole[self._height :], (len(pictures), *self._whole[self._height :].shape))
        return np.concatenate([pictures, rest], axis=1).reshape(-1, *self.net.card.input.shape[1:])

    def probs(self, pictures: FloatArray, label: Emotion) -> NDArray[np.float64]:
        """The label's probability in each of the pictures (n, height, width), as the appliance fuses it."""
        number = EMOTIONS.index(label)
        outputs = _outputs(self.net, self.inputs(pictures))
        return np.array([served(self.net.card, output)[number] for output in outputs])


@dataclass(frozen=True, eq=False, slots=True)
class ModalityInput:
    """The input of one modality: ``values`` as its ``net`` took them.

    ``reading`` is what was fused: of these values or, of a recording, the mean of all its readings.
    """

    net: Net
    values: FloatArray
    reading: Reading

    @property
    def maskable(self) -> MaskableInput:
        """As what is masked for a map."""
        return MaskableInput(self.net, self.values)


def explain(inputs: Mapping[Modality, ModalityInput], *, rule: str, label: Emotion) -> Explanation:
    """Why the fused label is this one, from one modality or both. ``rule`` is one of ``device.fusion.rules.RULES``."""
    maps = {m: _positive(attribution_map(own.maskable, MASKINGS[m], label)) for m, own in inputs.items()}
    face, speech = (inputs.get(modality) for modality in (Modality.FACE, Modality.SPEECH))
    return Explanation(
        label=label.value,
        method=METHOD,
        face_map=maps.get(Modality.FACE),
        speech_map=maps.get(Modality.SPEECH),
        face_crop_png_base64=_png(face.maskable.picture) if face else None,
        speech_features=_rows(speech.maskable.picture) if speech else None,
        contributions=contributions({m: own.reading for m, own in inputs.items()}, rule=rule, label=label),
    )


def contributions(readings: Mapping[Modality, Reading], *, rule: str, label: Emotion) -> dict[str, float]:
    """How much each modality moved the label's fused probability from the 1/7 of knowing nothing.

    Shapley values (Shapley 1953, A value for n-person games): the mean, over the orders in which the readings could
    become known, of what each adds. They sum to the fused probability less 1/7.
    """
    orders = list(permutations(readings))
    gains = dict.fromkeys((modality.value for modality in readings), 0.0)
    for order in orders:
        for count, modality in enumerate(order):
            before, after = (_fused(readings, order[:known], rule, label) for known in (count, count + 1))
            gains[modality.value] += (after - before) / len(orders)
    return gains


def _fused(readings: Mapping[Modality, Reading], known: tuple[Modality, ...], rule: str, label: Emotion) -> float:
    if not known:
        return 1 / len(EMOTIONS)
    probs = RULES[rule]({modality: own for modality, own in readings.items() if modality in known}).probs
    return probs[EMOTIONS.index(label)]


def attribution_map(source: MaskableInput, masking: Masking, label: Emotion) -> FloatArray:
    """What each place adds to the label's probability or, negative, takes from it: float32 (height, width)."""
    picture = source.picture
    masks, solver = _masks(_size(picture), masking.cells)
    background = masking.background(picture)
    probs = source.probs(background + masks * (picture - background), label)
    weights = (solver @ (probs - probs.mean())).reshape(masking.cells)
    return _spread(weights.astype(np.float32), _size(picture))


def _outputs(net: Net, inputs: FloatArray) -> list[FloatArray]:
    if not isinstance(net, BatchNet):
        return [net(values)[0] for values in inputs]
    return [output for at in range(0, len(inputs), _CHUNK) for output in net.batch(inputs[at : at + _CHUNK])[0]]


@cache
def _masks(size: tuple[int, int], cells: tuple[int, int]) -> tuple[FloatArray, FloatArray]:
    """Masks (n, height, width) in 0 (hidden) to 1, and what makes cells' weights (cells, n) @ of probabilities (n,).

    Half of the masks are the others' opposites, which halves the noise for nothing.
    """
    half = np.random.default_rng(_SEED).integers(0, 2, (MASKS // 2, *cells)).astype(np.float32)
    grids = np.concatenate([half, 1 - half])
    rows = grids.reshape(MASKS, -1) - 0.5
    damped = rows.T @ rows + _RIDGE * MASKS * np.eye(rows.shape[1], dtype=np.float32)
    return np.stack([_spread(grid, size) for grid in grids]), np.linalg.solve(damped, rows.T)


def _spread(grid: FloatArray, size: tuple[int, int]) -> FloatArray:
    """A grid's values over all places, softly from cell to cell."""
    height, width = size
    return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)


def _positive(places: FloatArray) -> list[list[float]]:
    """Positive attributions scaled to 0…1, negative ones as 0."""
    speaking = np.maximum(places, np.float32(0))
    most = speaking.max()
    return _rows(speaking / most if most > _NOTHING else np.zeros_like(places))


def _rows(values: FloatArray) -> list[list[float]]:
    return [[round(float(value), _DIGITS) for value in row] for row in values]


def _size(picture: FloatArray) -> tuple[int, int]:
    height, width = picture.shape
    return height, width


def _png(crop: FloatArray) -> str:
    pixels = np.rint(crop * 255).astype(np.uint8)
    return base64.b64encode(cv2.imencode(".png", pixels)[1].tobytes()).decode()
