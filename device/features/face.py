"""Face alignment and cropping as the models were trained: 48 × 48, grey, the eyes where FER2013 has them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from device.features.front_end import ramp

FEATURE_VERSION = "face48/1"
"""Raised whenever a model trained on older crops would be served others."""

SIDE_PX = 48

# Medians of BlazeFace's key points on every 15th FER2013 training image (border replicated by 24 px, enlarged three
# times; found in 97 %): eyes at (15.3, 18.7) and (33.0, 18.8), mouth 18.5 below their middle (24.1, 18.9).
# tests/test_detect.py repeats it.
EYE_DISTANCE_PX = 17.7
EYES_MIDDLE = (24.0, 18.9)
EYES_TO_MOUTH_PX = 18.5
_TURNED = 0.8
"""A turned head brings the eyes together but not the mouth nearer: below this share the mouth sets the scale.

Not above: a mouth open in surprise must not shrink the face.
"""

_MAX_SUPERSAMPLES = 16

# Quality: (where it is 0, where it is 1). A face is big enough with FER2013's own eye distance; of FER2013's training
# images 99.5 % are 1 in each of the others: what the model knows is good. Sharpness is 0 where a median image gets by
# a blur of two pixels (sigma).
_EYES_PX_RAMP = (5.0, EYE_DISTANCE_PX)
_SHARPNESS_RAMP = (0.011, 0.16)
_CONTRAST_RAMP = (0.02, 0.09)
_DARK_RAMP = (0.05, 0.19)
_BRIGHT_RAMP = (0.98, 0.82)

Point = tuple[float, float]
"""x and y in pixels of the picture, y downwards."""


@dataclass(frozen=True, eq=False, slots=True)
class FaceCrop:
    """Input of the face model, and how good it is.

    ``pixels`` is float32 (48, 48, 1) in 0…1; ``quality``, in 0…1, falls with a small, blurred, dark, glaring or
    flat face.
    """

    pixels: NDArray[np.float32]
    quality: float


def face_crop(grey: NDArray[np.uint8], *, right_eye: Point, left_eye: Point, mouth: Point) -> FaceCrop | None:
    """Turn, scale and shift a face into FER2013's frame; ``None`` if the points make no face.

    ``grey``: uint8 (height, width). ``right_eye`` is the person's right one, on the left in the picture. What lies
    beyond the picture's border repeats the border.
    """
    eyes_px = math.dist(right_eye, left_eye)
    middle = ((right_eye[0] + left_eye[0]) / 2, (right_eye[1] + left_eye[1]) / 2)
    by_mouth_px = math.dist(middle, mouth) * EYE_DISTANCE_PX / EYES_TO_MOUTH_PX
    size_px = max(eyes_px, _TURNED * by_mouth_px)
    if grey.size == 0 or not 1.0 <= size_px <= 2 * max(grey.shape):
        return None
    roll = math.atan2(left_eye[1] - right_eye[1], left_eye[0] - right_eye[0])
    face = _warped(grey, middle, scale=EYE_DISTANCE_PX / size_px, roll=roll)
    pixels = face.astype(np.float32) / np.float32(255)
    return FaceCrop(pixels[:, :, None], ramp(size_px, _EYES_PX_RAMP) * _sharpness(pixels) * _light(pixels))


def framed_square(grey: NDArray[np.uint8]) -> tuple[int, int, int]:
    """Left, top and side of what ``framed_face`` takes: the middle square of the picture, uint8 (height, width)."""
    height, width = grey.shape
    side = min(height, width)
    return (width - side) // 2, (height - side) // 2, side


def framed_face(grey: NDArray[np.uint8]) -> FaceCrop:
    """A picture that is a face already, framed as in FER2013: it is only brought to size. ``grey`` is not empty.

    Found and cut out again, such a crop loses what a camera's picture does not.
    """
    left, top, side = framed_square(grey)
    method = cv2.INTER_AREA if side > SIDE_PX else cv2.INTER_LINEAR
    square = cv2.resize(grey[top : top + side, left : left + side], (SIDE_PX, SIDE_PX), interpolation=method)
    pixels = square.astype(np.float32) / np.float32(255)
    size = ramp(EYE_DISTANCE_PX * side / SIDE_PX, _EYES_PX_RAMP)
    return FaceCrop(pixels[:, :, None], size * _sharpness(pixels) * _light(pixels))


def _warped(grey: NDArray[np.uint8], middle: Point, *, scale: float, roll: float) -> NDArray[np.uint8]:
    """A similarity transform. To shrink without alias it goes by a grid as fine as the picture, then by cell means."""
    fine = min(_MAX_SUPERSAMPLES, max(1, math.ceil(1 / scale)))
    cos, sin = scale * fine * math.cos(roll), scale * fine * math.sin(roll)
    # Pixel centres lie at whole numbers: the centre of a cell of `fine` pixels is half of fine - 1 further.
    target = [fine * (c + 0.5) - 0.5 for c in EYES_MIDDLE]
    x, y = middle
    matrix = np.array([[cos, sin, target[0] - cos * x - sin * y], [-sin, cos, target[1] + sin * x - cos * y]])
    side = SIDE_PX * fine
    large = cv2.warpAffine(grey, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if fine > 1:
        large = cv2.resize(large, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return np.asarray(large, dtype=np.uint8)


def _sharpness(pixels: NDArray[np.float32]) -> float:
    """Variance of the Laplacian by the crop's own variance, so that flat light does not count as blur; a log ramp."""
    ratio = cv2.Laplacian(pixels, cv2.CV_32F).var() / max(float(pixels.var()), 1e-6)
    low, high = _SHARPNESS_RAMP
    return ramp(math.log(max(ratio, 1e-9)), (math.log(low), math.log(high)))


def _light(pixels: NDArray[np.float32]) -> float:
    mean = float(pixels.mean())
    return min(ramp(mean, _DARK_RAMP), ramp(mean, _BRIGHT_RAMP), ramp(float(pixels.std()), _CONTRAST_RAMP))
