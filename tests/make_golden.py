"""Writes tests/data/golden.npz: ``PYTHONPATH=. python tests/make_golden.py``, after the shipped models have changed.

The inputs are blobs and noise, no corpus's; of many only those are kept on which the model is decided enough for two
runtimes, which may differ by 16/256 (one step of a logit), to give the same class, and as many classes as can be.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from golden_check import GOLDEN, MODELS, model_input
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from device.models.card import read_card
from device.models.probabilities import served
from device.models.tflite import TfliteModel

SEED, TRIED, KEPT = 5, 600, 14
DECIDED = 0.15  # how far the best class stands above the second


def faces(rng: np.random.Generator) -> NDArray[np.uint8]:
    blobs = gaussian_filter(rng.normal(size=(48, 48)), rng.uniform(1, 6))
    return np.asarray(np.clip(128 + blobs / blobs.std() * rng.uniform(10, 60), 0, 255), dtype=np.uint8)


def speech(rng: np.random.Generator) -> NDArray[np.int8]:
    blobs = gaussian_filter(rng.normal(size=(128, 40)), (rng.uniform(0.5, 6), rng.uniform(0, 2)))
    stretch = np.zeros((128, 40))
    frames = int(rng.integers(32, 129))
    stretch[:frames] = (blobs / blobs.std())[:frames]
    return np.asarray(np.clip(np.rint(stretch * 32), -128, 127), dtype=np.int8)


def speech_and_prosody(rng: np.random.Generator) -> NDArray[np.int8]:
    row = np.clip(np.rint(rng.normal(size=(1, 40)) * 32), -128, 127).astype(np.int8)
    return np.vstack([speech(rng), row])


def chosen(model_id: str, make: Callable[[np.random.Generator], NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    model = TfliteModel(read_card(MODELS / f"{model_id}.json"), MODELS)
    rng = np.random.default_rng(SEED)
    inputs = [make(rng) for _ in range(TRIED)]
    outputs = [model(model_input(model_id, x))[0] for x in inputs]  # type: ignore[arg-type]
    probs, said = (np.stack(rows) for rows in ([o.ravel() for o in outputs], [served(model.card, o) for o in outputs]))
    best_two = np.sort(said, axis=1)[:, -2:]
    decided = np.flatnonzero(best_two[:, 1] - best_two[:, 0] > DECIDED)
    rank = np.array([np.sum(said[decided[:i]].argmax(axis=1) == said[d].argmax()) for i, d in enumerate(decided)])
    kept = np.sort(decided[np.argsort(rank, kind="stable")[:KEPT]])
    print(model_id, "classes", np.bincount(said[kept].argmax(axis=1), minlength=7))
    return {f"{model_id}/inputs": np.stack([inputs[i] for i in kept]), f"{model_id}/probs": probs[kept]}


if __name__ == "__main__":
    arrays: dict[str, NDArray[Any]] = {}
    for model_set, voices in (("baseline", speech), ("affectd-1", speech_and_prosody)):
        arrays |= {**chosen(f"{model_set}-face", faces), **chosen(f"{model_set}-speech", voices)}
    np.savez_compressed(GOLDEN, **arrays)  # type: ignore[arg-type]
