"""Data augmentation of faces in the graph, a batch at a time, for a few per cent of what a training step costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.features.face import SIDE_PX

SHIFT_PX = 0.06 * SIDE_PX
ERASED = 12 / SIDE_PX
"""Largest side of the rectangle that a face may lose, as a part of the picture's side."""
CROP_MARGIN_PX = 4
_BINOMIAL = (1.0, 8.0, 28.0, 56.0, 70.0, 56.0, 28.0, 8.0, 1.0)
"""A Gaussian of √2 px, nearly."""


@dataclass(frozen=True, slots=True)
class Strength:
    """How far faces are varied: the largest change of each kind.

    ``stretch`` and ``contrast`` are the logarithms of a stretch in width, which the height pays for, and of a change
    of contrast; ``brightness`` and the deviation of ``noise`` are of a full scale of 1; ``blurred_share`` of the faces
    lose detail, and ``erased_share`` of them a rectangle.
    """

    rotation: float
    scale: float
    stretch: float
    contrast: float
    brightness: float
    erased_share: float
    blurred_share: float = 0.0
    noise: float = 0.0


STRONG = Strength(math.radians(8), scale=0.08, stretch=0.08, contrast=0.3, brightness=0.15, erased_share=0.25)
ROUGH = replace(STRONG, blurred_share=0.3, noise=0.02)
"""As strong, and sometimes from far away or from a poor camera."""
GENTLE = Strength(math.radians(8), scale=0.06, stretch=0.04, contrast=0.12, brightness=0.06, erased_share=0.1)


class FaceVariation:
    """Faces, uint8 (48, 48) each, that can be had mirrored, turned, sized, moved, lit and partly erased."""

    def __init__(self, faces: Sequence[NDArray[np.uint8]]) -> None:
        import tensorflow as tf

        self._faces = tf.constant(np.stack(faces)[..., np.newaxis])
        self._varied = tf.function(_varied)

    def __call__(
        self, indices: NDArray[np.int64], *, side_px: int, seed: tuple[int, int], strength: Strength = STRONG
    ) -> Any:
        """A float32 tensor (indices, side_px, side_px, 1) in 0…1; the same seed gives the same variations.

        A side below 48 cuts a piece out of the face, at its own size, from anywhere in it.
        """
        import tensorflow as tf

        chosen = tf.gather(self._faces, tf.constant(indices, tf.int64))
        return self._varied(chosen, side_px, strength, tf.constant(seed, tf.int64))


class _Dice:
    """Random numbers that depend on a seed and on how many were drawn before."""

    def __init__(self, seed: Any) -> None:
        self._seed, self._drawn = seed, 0

    def uniform(self, shape: Any, low: float = 0.0, high: float = 1.0) -> Any:
        import tensorflow as tf

        return tf.random.stateless_uniform(shape, self._next_seed(), low, high)

    def normal(self, shape: Any) -> Any:
        """Of mean 0 and deviation 1."""
        import tensorflow as tf

        return tf.random.stateless_normal(shape, self._next_seed())

    def _next_seed(self) -> tuple[Any, Any]:
        self._drawn += 1
        return self._seed[0], self._seed[1] + 2**32 * self._drawn


def _varied(faces: Any, side_px: int, strength: Strength, seed: Any) -> Any:
    import tensorflow as tf

    dice = _Dice(seed)
    moved = _moved(tf.cast(faces, tf.float32) / 255.0, side_px, strength, dice)
    lit = _lit(_blurred(moved, strength, dice), strength, dice)
    return _erased(_noisy(lit, strength, dice), strength, dice)


def _moved(faces: Any, side_px: int, strength: Strength, dice: _Dice) -> Any:
    import tensorflow as tf

    return tf.raw_ops.ImageProjectiveTransformV3(
        images=faces,
        transforms=_transforms(tf.shape(faces)[0], side_px, strength, dice),
        output_shape=[side_px, side_px],
        interpolation="BILINEAR",
        fill_mode="CONSTANT",
        fill_value=0.0,
    )


def _transforms(count: Any, side_px: int, strength: Strength, dice: _Dice) -> Any:
    """Affine maps from a place in the result to one in the face, rows of ImageProjectiveTransformV3's 8 numbers."""
    import tensorflow as tf

    angle = dice.uniform((count,), -strength.rotation, strength.rotation)
    size = dice.uniform((count,), 1 - strength.scale, 1 + strength.scale)
    stretch = tf.exp(dice.uniform((count,), -strength.stretch, strength.stretch))
    mirror = tf.where(dice.uniform((count,)) < 0.5, -1.0, 1.0)
    across, down = tf.cos(angle) * size, tf.sin(angle) * size
    xx, xy, yx, yy = across * mirror * stretch, -down, down * mirror * stretch, across / stretch
    from_middle, to_middle = (side_px - 1) / 2, (SIDE_PX - 1) / 2
    farthest = max(SHIFT_PX, (SIDE_PX - side_px) / 2)
    x0 = to_middle - (xx + xy) * from_middle + dice.uniform((count,), -farthest, farthest)
    y0 = to_middle - (yx + yy) * from_middle + dice.uniform((count,), -farthest, farthest)
    nothing = tf.zeros((count,))
    return tf.stack([xx, xy, x0, yx, yy, y0, nothing, nothing], axis=1)


def _blurred(faces: Any, strength: Strength, dice: _Dice) -> Any:
    """Some of the faces on the way to what a Gaussian of 1.4 px leaves of them."""
    import tensorflow as tf

    if not strength.blurred_share:
        return faces
    each = (tf.shape(faces)[0], 1, 1, 1)
    row = tf.constant(_BINOMIAL) / sum(_BINOMIAL)
    kernel = (row[:, None] * row[None, :])[:, :, None, None]
    reach = len(_BINOMIAL) // 2
    edged = tf.pad(faces, [[0, 0], [reach, reach], [reach, reach], [0, 0]], "SYMMETRIC")
    soft = tf.nn.conv2d(edged, kernel, strides=1, padding="VALID")
    way = tf.where(dice.uniform(each) < strength.blurred_share, dice.uniform(each), 0.0)
    return faces + way * (soft - faces)


def _lit(faces: Any, strength: Strength, dice: _Dice) -> Any:
    import tensorflow as tf

    each = (tf.shape(faces)[0], 1, 1, 1)
    mean = tf.reduce_mean(faces, axis=(1, 2, 3), keepdims=True)
    contrast = tf.exp(dice.uniform(each, -strength.contrast, strength.contrast))
    lighter = dice.uniform(each, -strength.brightness, strength.brightness)
    return tf.clip_by_value((faces - mean) * contrast + mean + lighter, 0.0, 1.0)


def _noisy(faces: Any, strength: Strength, dice: _Dice) -> Any:
    """Faces with Gaussian noise, up to ``strength.noise`` of it in each."""
    import tensorflow as tf

    if not strength.noise:
        return faces
    deviation = dice.uniform((tf.shape(faces)[0], 1, 1, 1), 0.0, strength.noise)
    return tf.clip_by_value(faces + deviation * dice.normal(tf.shape(faces)), 0.0, 1.0)


def _erased(faces: Any, strength: Strength, dice: _Dice) -> Any:
    """Some of the faces with a rectangle of one grey over them (random erasing, Zhong et al., 2017)."""
    import tensorflow as tf

    each = (tf.shape(faces)[0], 1, 1, 1)
    side_px = faces.shape[1]
    place = tf.range(side_px, dtype=tf.float32)

    def within(axis_places: Any) -> Any:
        half = dice.uniform(each, 0.4, 1.0) * (ERASED * side_px / 2)
        return tf.abs(axis_places - dice.uniform(each, 0.0, float(side_px))) < half

    hole = within(place[:, None, None]) & within(place[None, :, None]) & (dice.uniform(each) < strength.erased_share)
    return tf.where(hole, dice.uniform(each), faces)


def flipped_and_cropped(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A face mirrored half of the time and cut out up to 4 pixels off its place; uint8 (height, width)."""
    if rng.random() < 0.5:
        image = image[:, ::-1]
    padded = np.pad(image, CROP_MARGIN_PX, mode="edge")
    top, left = rng.integers(0, 2 * CROP_MARGIN_PX + 1, size=2)
    return padded[top : top + image.shape[0], left : left + image.shape[1]]
