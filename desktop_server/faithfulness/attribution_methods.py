"""Attribution methods: the served one with other grids, and others to compare it with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from desktop_server.analysis.explanation import MASKINGS, MaskableInput, Masking, attribution_map
from device.arrays import FloatArray
from device.models.card import Card
from device.models.net import Net
from device.models.probabilities import served
from device.readings import EMOTIONS, Emotion, Modality

AttributionMethod = Callable[[MaskableInput, Emotion], FloatArray]
"""From an input and a label to a map of the input's size."""

SQUARE = {Modality.FACE: (16, 16), Modality.SPEECH: (16, 10)}
"""Rows and columns that one occlusion hides; each steps by a quarter (faces) or a half of it."""
GRIDS = {
    Modality.FACE: ((6, 6), (8, 8), (12, 12)),
    Modality.SPEECH: ((16, 5), (16, 8), (32, 4)),
}
_STEP = {Modality.FACE: 4, Modality.SPEECH: 2}
_NUDGE = 1e-2
"""Of the feature map's standard deviation."""


def attribution_methods(net: Net, modality: Modality, folder: Path) -> dict[str, AttributionMethod]:
    """All of them by name; Grad-CAM only for a net in ONNX, whose feature maps can be reached."""
    background = MASKINGS[modality].background
    found = {f"masks {h}×{w}": _masked(Masking((h, w), background)) for h, w in GRIDS[modality]}
    found |= {"occlusion": _occlusion(modality), "random": _random}
    if net.card.file.endswith(".onnx"):
        found["Grad-CAM"] = GradCam(net.card, folder / net.card.file)
    return found


def _masked(masking: Masking) -> AttributionMethod:
    return lambda source, label: attribution_map(source, masking, label)


def _occlusion(modality: Modality) -> AttributionMethod:
    """What the probability loses where a square is hidden (Zeiler & Fergus 2014)."""

    def method(source: MaskableInput, label: Emotion) -> FloatArray:
        picture = source.picture
        hidden = _squares(picture.shape, SQUARE[modality], _STEP[modality])
        background = MASKINGS[modality].background(picture)
        probs = source.probs(np.where(hidden, background, picture), label)
        lost = source.probs(picture[np.newaxis], label)[0] - probs
        return np.asarray(np.tensordot(lost, hidden, axes=1) / hidden.sum(axis=0), dtype=np.float32)

    return method


def _squares(size: tuple[int, ...], side: tuple[int, int], parts: int) -> NDArray[np.bool_]:
    (height, width), (tall, wide) = size, side
    hidden = []
    for top in range(tall // parts - tall, height, tall // parts):
        for left in range(wide // parts - wide, width, wide // parts):
            mask = np.zeros(size, dtype=np.bool_)
            mask[max(0, top) : top + tall, max(0, left) : left + wide] = True
            hidden.append(mask)
    return np.stack(hidden)


def _random(source: MaskableInput, _label: Emotion) -> FloatArray:
    """Soft random blobs, as a baseline."""
    noise = np.random.default_rng(3).normal(size=source.picture.shape).astype(np.float32)
    return np.asarray(cv2.GaussianBlur(noise, (0, 0), 4.0), dtype=np.float32)


class GradCam:
    """Selvaraju et al. 2017, of the last feature map that has rows and columns.

    ONNX Runtime has no gradients, but those of a whole channel are all that is needed: the label's log probability, as
    it is served, is run twice a channel, with all of it nudged up and down.
    """

    def __init__(self, card: Card, path: Path) -> None:
        self._card = card
        self._trunk, self._head = _halves(path)

    def __call__(self, source: MaskableInput, label: Emotion) -> FloatArray:
        """The map of the picture's size."""
        picture = source.picture
        (net_input,) = source.inputs(picture[np.newaxis])
        features = _run(self._trunk, net_input[np.newaxis])[0]
        channels = len(features)
        nudge = _NUDGE * max(float(features.std()), 1e-6)
        up = features + nudge * np.eye(channels, dtype=np.float32)[:, :, np.newaxis, np.newaxis]
        logs = np.log(self._probs(np.concatenate([up, 2 * features - up]), net_input, label))
        gradients = (logs[:channels] - logs[channels:]) / (2 * nudge)
        cam = np.maximum(np.tensordot(gradients, features, axes=1), 0).astype(np.float32)
        # A net along time has the time steps as the map's width.
        cam = cam.T if len(cam) == 1 else cam
        height, width = picture.shape
        return np.asarray(cv2.resize(cam, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def _probs(self, features: FloatArray, net_input: FloatArray, label: Emotion) -> NDArray[np.float64]:
        number = EMOTIONS.index(label)
        outputs = _run(self._head, features, np.broadcast_to(net_input, (len(features), *net_input.shape)))
        return np.array([max(served(self._card, output)[number], 1e-12) for output in outputs])


def _halves(path: Path) -> tuple[Any, Any]:
    """Sessions for what is before and after the last feature map, (n, channels, height, width).

    What is after it takes the net's input too: some of that may go past the map.
    """
    import onnx
    import onnxruntime
    from onnx.utils import Extractor

    graph = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    ranks = {v.name: len(v.type.tensor_type.shape.dim) for v in graph.graph.value_info}
    maps = [n.output[0] for n in graph.graph.node if n.op_type in ("Relu", "MaxPool") and ranks.get(n.output[0]) == 4]
    cut, ends = Extractor(graph), (graph.graph.input[0].name, graph.graph.output[0].name)
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 3, 1
    halves = [cut.extract_model([ends[0]], [maps[-1]]), cut.extract_model([maps[-1], ends[0]], [ends[1]])]
    trunk, head = (onnxruntime.InferenceSession(half.SerializeToString(), options) for half in halves)
    return trunk, head


def _run(session: Any, *values: FloatArray) -> FloatArray:
    names = [given.name for given in session.get_inputs()]
    return np.asarray(session.run(None, dict(zip(names, values, strict=True)))[0], dtype=np.float32)
