"""``python -m quantize.second_runtime MODEL INPUTS OUTPUTS``: answers of the TFLite runtime that this Python has.

Needs numpy and a runtime alone, so that it runs in an environment of its own: tflite-runtime wants an older NumPy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.models.card import read_card
from device.models.runtime import runtime_name
from device.models.tflite import TfliteModel


def answered(model_path: Path, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """The first output of the model, whose card stands beside it, for each row of ``inputs``."""
    model = TfliteModel(read_card(model_path.with_suffix(".json")), model_path.parent)
    return np.stack([model(row)[0] for row in inputs])


def main(model_path: Path, inputs: Path, outputs: Path) -> None:
    """Write the answers to what lies in ``inputs``; print the runtime's name."""
    np.save(outputs, answered(model_path, np.load(inputs)))
    sys.stdout.write(runtime_name())


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
