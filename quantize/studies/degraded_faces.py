"""Degradations of faces, uint8 (48, 48): low light, occlusion, blur, motion, compression, distance."""

from __future__ import annotations

from functools import partial

import cv2
import numpy as np

from device.arrays import GreyArray
from device.features.face import EYE_DISTANCE_PX, EYES_MIDDLE, EYES_TO_MOUTH_PX
from quantize.studies.degradations import Degradation

STOPS = (-2, -4, -6, -8)
WHITE_ELECTRONS = 4000.0
"""Of a pixel of the face that is white at full light: about the full well of one pixel of a small sensor."""
READ_NOISE_ELECTRONS = 3.0
MAX_GAIN = 8.0
"""The analogue gain of the Raspberry Pi's cameras ends a little above."""
RAW_STEPS = 1023
"""Their raw samples have 10 bits."""
GAMMA = 2.2

BLURS_PX = (1, 2, 3)
MOTIONS_PX = (5, 9)
QUALITIES = (50, 20, 10, 5)
SIDES_PX = (24, 16, 12)

Bar = tuple[slice, slice]


def _bar(row: float, half_height: float, half_width: float) -> Bar:
    middle = EYES_MIDDLE[0]
    return (
        slice(round(row - half_height), round(row + half_height)),
        slice(round(middle - half_width), round(middle + half_width)),
    )


# Placed by the medians of the key points in FER2013, from which device.features.face takes its frame. As wide as
# sunglasses reach, half an eye's distance beyond each eye; as tall as from brow to lower lid. Heads tilt: the bars lie
# on each eye in 88 % and on the mouth in 85 % of FER2013's test faces (tests/test_degradations.py).
EYES = _bar(EYES_MIDDLE[1], EYE_DISTANCE_PX / 3, EYE_DISTANCE_PX)
# A mouth is about as wide as the eyes are apart, and a laughing one wider.
MOUTH = _bar(EYES_MIDDLE[1] + EYES_TO_MOUTH_PX, EYE_DISTANCE_PX / 3, 0.7 * EYE_DISTANCE_PX)


def face_degradations() -> list[Degradation]:
    """All of them, from mild to severe within each family."""
    return [
        *(Degradation("low light", n, "stops", _LIGHT, partial(in_low_light, light=2.0**n)) for n in STOPS),
        Degradation("eyes hidden", None, "", "a black bar from brows to lower lids", partial(hidden, bar=EYES)),
        Degradation("mouth hidden", None, "", "a black bar from upper lip to chin", partial(hidden, bar=MOUTH)),
        *(Degradation("blur", n, "px", "Gaussian; its sigma, of 48", partial(blurred, sigma_px=n)) for n in BLURS_PX),
        *(Degradation("motion", n, "px", "smeared sideways, of 48", partial(moved, length_px=n)) for n in MOTIONS_PX),
        *(Degradation("JPEG quality", n, "", "as OpenCV numbers it", partial(jpeg, quality=n)) for n in QUALITIES),
        *(Degradation("resolution", n, "px", "shrunk and enlarged", partial(shrunk, side_px=n)) for n in SIDES_PX),
    ]


_LIGHT = (
    f"a stop halves the light; photon noise of {WHITE_ELECTRONS:g} electrons at white, read noise of "
    f"{READ_NOISE_ELECTRONS:g}, gain up to {MAX_GAIN:g}, 10 bits, gamma {GAMMA}"
)


def in_low_light(face: GreyArray, rng: np.random.Generator, *, light: float) -> GreyArray:
    """The face in ``light`` (1: as it is) times the light, through a sensor with Poisson and Gaussian noise.

    Gain makes up for the light that lacks, as far as it goes; after Foi et al., 2008 (Poissonian-Gaussian raw data).
    """
    linear = (face / 255.0) ** GAMMA
    electrons = rng.poisson(linear * light * WHITE_ELECTRONS) + rng.normal(0, READ_NOISE_ELECTRONS, face.shape)
    amplified = electrons / WHITE_ELECTRONS * min(1 / light, MAX_GAIN)
    raw = np.rint(np.clip(amplified, 0, 1) * RAW_STEPS) / RAW_STEPS
    return np.asarray(np.rint(255 * raw ** (1 / GAMMA)), dtype=np.uint8)


def hidden(face: GreyArray, _: np.random.Generator, *, bar: Bar) -> GreyArray:
    """The face behind a black bar."""
    covered = face.copy()
    covered[bar] = 0
    return covered


def blurred(face: GreyArray, _: np.random.Generator, *, sigma_px: float) -> GreyArray:
    """The face out of focus."""
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def moved(face: GreyArray, _: np.random.Generator, *, length_px: int) -> GreyArray:
    """The face that moved sideways while it was taken."""
    kernel = np.full((1, length_px), 1 / length_px)
    return np.asarray(cv2.filter2D(face, -1, kernel, borderType=cv2.BORDER_REPLICATE), dtype=np.uint8)


def jpeg(face: GreyArray, _: np.random.Generator, *, quality: int) -> GreyArray:
    """The face after compression."""
    packed = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE), dtype=np.uint8)


def shrunk(face: GreyArray, _: np.random.Generator, *, side_px: int) -> GreyArray:
    """The face from so far that it fills ``side_px`` pixels, brought to its size again."""
    small = cv2.resize(face, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, face.shape[::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
