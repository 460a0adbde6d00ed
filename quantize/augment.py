"""Changes to examples that leave the emotion as it is. Only the training part of a split passes through here."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from device.features.mel import WINDOW_SAMPLES
from device.signals import RATE_HZ

CROP_MARGIN_PX = 4
SHORTEST_CUT_SAMPLES = 3 * RATE_HZ // 4
"""The appliance's first reading of a stretch comes after 0.75 s; nothing shorter is served but a short last stretch."""


def flipped_and_cropped(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A face mirrored half of the time and cut out up to 4 pixels off its place; uint8 (height, width)."""
    if rng.random() < 0.5:
        image = image[:, ::-1]
    padded = np.pad(image, CROP_MARGIN_PX, mode="edge")
    top, left = rng.integers(0, 2 * CROP_MARGIN_PX + 1, size=2)
    return padded[top : top + image.shape[0], left : left + image.shape[1]]


def cut_somewhere(stretch: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """A piece of a voiced stretch, at most 3 s: half of the time all of it, else a random length and place."""
    longest = min(len(stretch), WINDOW_SAMPLES)
    length = longest
    if rng.random() < 0.5 and longest > SHORTEST_CUT_SAMPLES:
        length = int(rng.integers(max(SHORTEST_CUT_SAMPLES, longest // 2), longest + 1))
    first = int(rng.integers(0, len(stretch) - length + 1))
    return stretch[first : first + length]


def with_noise(samples: NDArray[np.int16], rng: np.random.Generator) -> NDArray[np.int16]:
    """Half of the time, the samples 6 dB louder to 12 dB softer with white noise 15 to 40 dB below them."""
    if rng.random() < 0.5:
        return samples
    gain = 10 ** (rng.uniform(-12, 6) / 20)
    signal = samples.astype(np.float64) * gain
    level = float(np.sqrt(np.mean(signal**2)))
    noise = rng.normal(0, level * 10 ** (-rng.uniform(15, 40) / 20), len(signal))
    return np.asarray(np.clip(np.rint(signal + noise), -32768, 32767), dtype=np.int16)


def masked(
    features: NDArray[np.float32], rng: np.random.Generator, *, frames: int = 16, coefficients: int = 8
) -> NDArray[np.float32]:
    """Up to so many frames and coefficients in a row set to their mean, 0 (SpecAugment, Park et al., 2019)."""
    result = features.copy()
    for axis, widest in ((0, frames), (1, coefficients)):
        width = int(rng.integers(0, widest + 1))
        first = int(rng.integers(0, features.shape[axis] - width + 1))
        result[(slice(None),) * axis + (slice(first, first + width),)] = 0
    return result
