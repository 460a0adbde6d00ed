"""Faces in a grey picture, by BlazeFace short range (Bazarevsky et al. 2019, arXiv:1907.05047).

The net sees 128 × 128 pixels of a *view*, the whole picture or a part of it, or 96 × 96 of what is around a known face.
Real faces set into 640 × 480 were found in the whole picture at 128 px wide in 100 %, 107 in 95 %, 96 in 83 %, 80 in
52 %, 64 and less in 0 %. With a lens of 62° a face is about 96 px wide at 1 m and 48 px at 2 m: beyond 1 m only the
smaller views of ``search_views`` see it (48 px: 98 %, 40 px: 85 %, 32 px: 51 %). ``finer_views`` are for large ones.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray
from device.errors import ModelError
from device.features.face import Point
from device.features.point_tracking import Similarity
from device.models.card import DETECTOR_KIND, Card
from device.models.net import Net

_FEATURE_VERSION = "rgb128/1"
"""Letterboxed into 128 × 128 on black, three equal channels, -1…1."""

_CLOSE_SIDE_PX = 96
"""Of the net's input where only the surroundings of a known face are looked at: it is fully convolutional, and half as
many pixels cost half."""
_ANCHOR_GRIDS = ((16, 2), (8, 6))
"""Cells a side of 128 pixels and anchors a cell, of MediaPipe's graph face_detection_short_range: 896 together."""
_ANCHOR_SIDE_PX = 128
_MIN_LOGIT = 0.0
"""A score of 0.5."""
_STEPS_PER_PX = 8
"""Points are rounded in eighths of a pixel. Two processors differ by 0.004 px, which would move grey levels of the crop
and probabilities by 4/256; an eighth is less than the detector itself knows."""
_SAME_FACE_IOU = 0.3
"""Both, the least score and this, as in MediaPipe's graph."""
_MAX_LOGIT = 80.0

_SEARCH_SIDE = 0.4
"""Side of a search view, by the picture's longer side."""
_SEARCH_STEP = 0.9
"""Views overlap by a tenth at least; over 640 × 480 they make 3 × 2 with more."""
_FINEST_LEVEL = 3
"""0.4³ of 4000 px are 256: 234 views of 4000 × 3000, in which faces of 40 px are found."""
_MIN_VIEW_PX = 160
"""Smaller views would show faces of so few pixels that the face net has nothing to read."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the picture; it may reach beyond the border."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float

    @property
    def area_px(self) -> float:
        """Square pixels."""
        return self.width_px * self.height_px

    @property
    def middle(self) -> Point:
        """Its centre."""
        return self.left_px + self.width_px / 2, self.top_px + self.height_px / 2

    def overlap(self, other: Box) -> float:
        """Intersection over union, 0…1."""
        shared = self._shared_px(other)
        union = self.area_px + other.area_px - shared
        return shared / union if union > 0 else 0.0

    def share_within(self, other: Box) -> float:
        """How much of this one lies within the other, 0…1."""
        return self._shared_px(other) / self.area_px if self.area_px > 0 else 0.0

    def _shared_px(self, other: Box) -> float:
        width = _shared(self.left_px, self.width_px, other.left_px, other.width_px)
        return width * _shared(self.top_px, self.height_px, other.top_px, other.height_px)


def _shared(start: float, length: float, other_start: float, other_length: float) -> float:
    return max(0.0, min(start + length, other_start + other_length) - max(start, other_start))


@dataclass(frozen=True, slots=True)
class Face:
    """One face: the net's score in 0…1, its box, and six key points (x, y) in pixels of the picture.

    "Right" is the person's own right, so the left one in the picture.
    """

    score: float
    box: Box
    right_eye: Point
    left_eye: Point
    nose: Point
    mouth: Point
    right_ear: Point
    left_ear: Point

    @property
    def key_points(self) -> FloatArray:
        """The six of them, (6, 2), eyes first."""
        points = (self.right_eye, self.left_eye, self.nose, self.mouth, self.right_ear, self.left_ear)
        return np.array(points, dtype=np.float32)

    def moved(self, by: Similarity) -> Face:
        """The same face elsewhere in the picture, turned and scaled with it; the box stays upright."""
        box = self.box
        (x, y), scale = by(np.array([box.middle], dtype=np.float32))[0], by.scale
        width, height = scale * box.width_px, scale * box.height_px
        corners = [(x - width / 2, y - height / 2), (x + width / 2, y + height / 2)]
        return _face(np.concatenate([corners, by(self.key_points)]), self.score)


def close_card(card: Card) -> Card:
    """The same detector for an input of 96 × 96 pixels."""
    side = _CLOSE_SIDE_PX
    anchors = sum(cells**2 * each for cells, each in _grids(side))
    return replace(
        card,
        inputs=tuple(replace(spec, shape=(1, side, side, spec.shape[3])) for spec in card.inputs),
        outputs=tuple(replace(spec, shape=(1, anchors, spec.shape[2])) for spec in card.outputs),
    )


class FaceDetector:
    """Finds the faces of one grey picture, best first. It belongs to one thread, as its model does."""

    def __init__(self, model: Net) -> None:
        if model.card.kind != DETECTOR_KIND or model.card.features != _FEATURE_VERSION:
            raise ModelError(
                f"model {model.card.id}: it is {model.card.kind} for {model.card.features}, "
                f"but this version of affectd needs detector for {_FEATURE_VERSION}"
            )
        self._model = model
        self._side_px = model.card.input.shape[1]

    def __call__(self, grey: NDArray[np.uint8], view: Box | None = None) -> list[Face]:
        """The faces in a picture, uint8 (height, width), or in one view of it; none where there are no pixels."""
        part, (left, top) = _cut_out(grey, view) if view else (grey, (0, 0))
        if part.size == 0:
            return []
        square, scale = _letterbox(part, self._side_px)
        regressors, logits = self._model(square)
        likely = np.flatnonzero(logits[:, 0] >= _MIN_LOGIT)
        points = _decode(regressors[likely], _anchors(self._side_px)[likely])
        found = _merge_overlapping(points, _sigmoid(logits[likely, 0]))
        return [_face(points / scale + (left, top), score) for points, score in found]


def search_views(grey: NDArray[np.uint8]) -> list[Box]:
    """Overlapping squares that cover the picture, in which a face of a fifteenth of its longer side can be found."""
    return _squares(grey, _SEARCH_SIDE)


def finer_views(grey: NDArray[np.uint8]) -> Iterator[list[Box]]:
    """``search_views`` and, of a picture that has the pixels for it, ever smaller squares.

    By the longer side: from 1000 px also squares of 16 %, from 2500 px also of 6.4 %. They find faces of 2.5 and of
    1 %, at the cost of a look each: 28 at 1920 × 1080; 42 and 234 at 4000 × 3000.
    """
    yield search_views(grey)
    for level in range(2, _FINEST_LEVEL + 1):
        part = _SEARCH_SIDE**level
        if part * max(grey.shape) >= _MIN_VIEW_PX:
            yield _squares(grey, part)


def _squares(grey: NDArray[np.uint8], part: float) -> list[Box]:
    height, width = grey.shape
    side = max(1, round(part * max(height, width)))
    lefts, tops = _starts(width, side), _starts(height, side)
    return [Box(left, top, side, side) for top in tops for left in lefts]


def _starts(length: int, side: int) -> list[int]:
    steps = max(0, math.ceil((length - side) / (_SEARCH_STEP * side)))
    return [round(i * (length - side) / steps) for i in range(steps + 1)] if steps else [0]


def _cut_out(grey: NDArray[np.uint8], view: Box) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    left, top = max(0, round(view.left_px)), max(0, round(view.top_px))
    right, bottom = round(view.left_px + view.width_px), round(view.top_px + view.height_px)
    return grey[top : max(0, bottom), left : max(0, right)], (left, top)


def _letterbox(grey: NDArray[np.uint8], side_px: int) -> tuple[FloatArray, float]:
    """The picture in the upper left of a black square, float32 (side, side, 3) in -1…1, and its scale."""
    height, width = grey.shape
    scale = side_px / max(height, width)
    square = np.zeros((side_px, side_px), dtype=np.uint8)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square[: size[1], : size[0]] = _resized(grey, size)
    return cv2.cvtColor(square / np.float32(127.5) - np.float32(1), cv2.COLOR_GRAY2RGB), scale


def _resized(grey: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """To (width, height): halves by means, then linearly to twice the size, and a last half.

    A tenth of what means of cells at an odd ratio cost; eyes are found at the same places but for 1 of 48 pixels of the
    face's crop (95th percentile), less than when the view moves by a tenth.
    """
    while min(grey.shape) > 1 and max(grey.shape) >= 4 * max(size):
        height, width = grey.shape
        half = (width // 2, height // 2)
        grey = np.asarray(
            cv2.resize(grey[: 2 * half[1], : 2 * half[0]], half, interpolation=cv2.INTER_AREA), dtype=np.uint8
        )
    twice = cv2.resize(grey, (2 * size[0], 2 * size[1]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(twice, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


@cache
def _anchors(side_px: int) -> FloatArray:
    """Centres (x, y) of the anchors in pixels of the input, (anchors, 2); all have the size of the input."""
    layers = []
    for cells, anchors in _grids(side_px):
        centres = (np.arange(cells, dtype=np.float32) + 0.5) * (side_px / cells)
        y, x = np.meshgrid(centres, centres, indexing="ij")
        layers.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), anchors, axis=0))
    return np.concatenate(layers)


def _grids(side_px: int) -> list[tuple[int, int]]:
    return [(cells * side_px // _ANCHOR_SIDE_PX, anchors) for cells, anchors in _ANCHOR_GRIDS]


def _sigmoid(logits: FloatArray) -> FloatArray:
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_MAX_LOGIT, _MAX_LOGIT))), dtype=np.float32)


def _decode(regressors: FloatArray, anchors: FloatArray) -> FloatArray:
    """Regressors (n, 16) to points in pixels of the input, (n, 8, 2): two opposite corners, then the six key points."""
    points = regressors.reshape(-1, 8, 2).copy()
    half = points[:, 1] / 2
    points[:, 0], points[:, 1] = points[:, 0] - half, points[:, 0] + half
    return points + anchors[:, None, :]


def _merge_overlapping(points: FloatArray, scores: FloatArray) -> list[tuple[FloatArray, float]]:
    """Weighted non-maximum suppression: what overlaps the best is averaged into it, weighted by score."""
    merged = []
    left = np.argsort(-scores, kind="stable")
    while len(left):
        same = _overlaps(points[left[0]], points[left]) >= _SAME_FACE_IOU
        same[0] = True
        group = left[same]
        mean = np.average(points[group], axis=0, weights=scores[group])
        merged.append((mean.astype(np.float32), float(scores[left[0]])))
        left = left[~same]
    return merged


def _overlaps(one: FloatArray, many: FloatArray) -> FloatArray:
    """Intersection over union of one box with many, from their first two points."""
    inner = np.minimum(one[1], many[:, 1]) - np.maximum(one[0], many[:, 0])
    shared = np.prod(np.maximum(inner, 0), axis=1)
    areas = np.prod(np.maximum(many[:, 1] - many[:, 0], 0), axis=1)
    union = areas + np.prod(np.maximum(one[1] - one[0], 0)) - shared
    return np.asarray(shared / np.maximum(union, 1e-6), dtype=np.float32)


def _face(points: FloatArray, score: float) -> Face:
    rounded = np.round(points * _STEPS_PER_PX) / _STEPS_PER_PX
    (left, top), (right, bottom), *key_points = ((float(x), float(y)) for x, y in rounded)
    return Face(score, Box(left, top, right - left, bottom - top), *key_points)
