"""``python -m quantize.second_runtime MODEL INPUTS OUTPUTS``: answers of the TFLite runtime that this Python has.

Needs numpy and a runtime alone, so that it runs in an environment of its own: tflite-runtime wants an older NumPy.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from device.models.card import read_card
from device.models.runtime import runtime_name
from device.models.tflite import TfliteModel


def main(model_path: Path, inputs: Path, outputs: Path) -> None:
    """Write the model's first output for each row of ``inputs``; print the runtime's name."""
    model = TfliteModel(read_card(model_path.with_suffix(".json")), model_path.parent)
    np.save(outputs, np.stack([model(row)[0] for row in np.load(inputs)]))
    sys.stdout.write(runtime_name())


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:]))
