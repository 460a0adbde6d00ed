"""What a runtime makes of the golden inputs, as JSON: ``PYTHONPATH=. python tests/golden_check.py tflite-runtime``.

Needs numpy and the runtime alone, so that it runs in an environment of its own.
"""

import json
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.models.card import read_card
from device.models.tflite import TfliteModel

ROOT = Path(__file__).resolve().parents[1]
MODELS = ROOT / "models_tflite"
GOLDEN = ROOT / "tests" / "data" / "golden.npz"


def model_input(model_id: str, stored: NDArray[np.int8] | NDArray[np.uint8]) -> NDArray[np.float32]:
    """Stored faces are pixels, stored speech features are in steps of 1/32."""
    return np.asarray(stored, dtype=np.float32) / np.float32(255 if model_id.endswith("face") else 32)


def answers(model_id: str, runtime: str = "") -> list[list[float]]:
    """The model's probabilities for each of its golden inputs, one answer after the other."""
    model = TfliteModel(read_card(MODELS / f"{model_id}.json"), MODELS, runtime=runtime)
    with np.load(GOLDEN) as golden:
        return [[float(p) for p in model(model_input(model_id, x))[0].ravel()] for x in golden[f"{model_id}/inputs"]]


if __name__ == "__main__":
    with np.load(GOLDEN) as names:
        ids = [name.split("/")[0] for name in names if name.endswith("/inputs")]
    json.dump({model_id: answers(model_id, sys.argv[1]) for model_id in ids}, sys.stdout)
