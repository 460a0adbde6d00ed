"""Golden answers: inputs that travel with a set, and what its models made of them where it was packed.

A file can be whole and still be computed wrongly: by a runtime that does not know an operator's newer version, or on a
machine whose memory is failing. So every model is tried on the very machine before it may serve.
"""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np

from device.arrays import FloatArray
from device.errors import ModelError
from device.models.card import Card, TensorSpec
from device.models.runtime import runtime_name
from device.models.sets import ModelSet
from device.models.tflite import TfliteModel

_TOLERANCE = 2 / 256
"""Of an output's range, which for probabilities is 1. The same runtime on x86 and on arm64 differs by 1/256 at most."""
OTHER_TOLERANCE = 32 / 256
"""Where another runtime packed the set: its kernels round otherwise. The sets that are shipped differ by 17/256."""

_MIN_INPUTS, _MAX_INPUTS, _INPUT_BYTES = 2, 16, 400_000
"""Golden inputs a model: as many as that many bytes hold."""
_SEED = 5
_BLUR_PX = (0.7, 6.0)


def write_golden(models: ModelSet, folder: Path) -> None:
    """For each model, inputs that cover its range and what it answers, beside its file in ``folder``."""
    for card in models.cards:
        model = TfliteModel(card, folder)
        inputs = _made_up(card)
        for name, values in zip(_inputs(card), inputs, strict=True):
            np.save(folder / name, values)
        np.save(folder / _outputs(card), _answers(model, inputs))


def require_golden(models: ModelSet, *, packed_by: str, runtime: str = "") -> float:
    """The largest deviation of ``runtime`` from the golden answers, which are those of ``packed_by``.

    It is a share of an output's range. Raises ``ModelError`` if one is beyond what is tolerated, or if a model has no
    golden answers.
    """
    tolerance = _TOLERANCE if packed_by == runtime_name(runtime) else OTHER_TOLERANCE
    deviations = [_worst(TfliteModel(card, models.folder, runtime=runtime), models.folder) for card in models.cards]
    for card, deviation in zip(models.cards, deviations, strict=True):
        if not deviation <= tolerance:  # NaN is not either
            raise ModelError(
                f"model {card.id}: on this machine its answers are off by {256 * deviation:.0f}/256 of their range "
                f"({256 * tolerance:.0f}/256 are allowed), so it must not be used; pack the set with "
                f"{runtime_name(runtime)}, which runs here"
            )
    return max(deviations)


def _worst(model: TfliteModel, folder: Path) -> float:
    card = model.card
    inputs, expected = [_read(folder / name) for name in _inputs(card)], _read(folder / _outputs(card))
    fitting = [(len(expected), *spec.shape[1:]) for spec in card.inputs]
    if [values.shape for values in inputs] != fitting or not len(expected):
        raise ModelError(f"model {card.id}: its golden inputs are not for it; pack the set again")
    found = _answers(model, inputs)
    if found.shape != expected.shape:
        raise ModelError(f"model {card.id}: its golden answers are not its own; pack the set again")
    return float(np.max(np.abs(found - expected) / _ranges(card, expected)))


def _answers(model: TfliteModel, inputs: list[FloatArray]) -> FloatArray:
    """For each golden input all outputs, one after the other: (count, numbers)."""
    return np.stack([np.concatenate([output.ravel() for output in model(*one)]) for one in zip(*inputs, strict=True)])


def _ranges(card: Card, expected: FloatArray) -> FloatArray:
    """For each number of an answer the range of its output: the largest seen, at least 1."""
    sizes = [math.prod(output.shape) for output in card.outputs]
    parts = np.split(np.abs(expected), np.cumsum(sizes)[:-1], axis=1)
    return np.concatenate([np.full(part.shape[1], max(1.0, float(part.max()))) for part in parts]).astype(np.float32)


def _made_up(card: Card) -> list[FloatArray]:
    """Blurred noise, of which no person and no corpus is a part, over the whole range of each input: (count, …)s."""
    rng = np.random.default_rng(_SEED)
    size_bytes = 4 * sum(math.prod(spec.shape) for spec in card.inputs)
    count = min(_MAX_INPUTS, max(_MIN_INPUTS, _INPUT_BYTES // size_bytes))
    return [_noise(rng, spec, count) for spec in card.inputs]


def _noise(rng: np.random.Generator, spec: TensorSpec, count: int) -> FloatArray:
    low, high = _limits(spec)
    return np.stack(
        [low + (high - low) * _blobs(rng, spec.shape[1:], sigma) for sigma in np.linspace(*_BLUR_PX, count)]
    )


def _blobs(rng: np.random.Generator, shape: tuple[int, ...], blur_px: float) -> FloatArray:
    """Three deviations to either side of the middle of 0…1."""
    blurred = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), blur_px).reshape(shape)
    return np.asarray(np.clip(0.5 + blurred / blurred.std() / 6, 0, 1), dtype=np.float32)


def _limits(spec: TensorSpec) -> tuple[float, float]:
    if spec.dtype == "float32":
        return -1.0, 1.0
    integers = np.iinfo(spec.dtype)
    return (integers.min - spec.zero_point) * spec.scale, (integers.max - spec.zero_point) * spec.scale


def _inputs(card: Card) -> list[str]:
    """A file an input; the first has no number, as in sets of nets with one."""
    return [f"{card.id}.inputs{f'-{number}' if number else ''}.npy" for number in range(len(card.inputs))]


def _outputs(card: Card) -> str:
    return f"{card.id}.outputs.npy"


def _read(path: Path) -> FloatArray:
    try:
        # Mapped: a header that lies about the size is found out before any memory is taken.
        return np.array(np.load(path, mmap_mode="r", allow_pickle=False), dtype=np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise ModelError(f"{path.name}: no golden answers that can be read ({error}); pack the set again") from error
