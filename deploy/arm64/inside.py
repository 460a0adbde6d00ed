"""Runs inside the emulated machine (and, for ``answers``, also outside): ``inside.py count|answers INPUTS.npz``.

Needs no more than the recognisers do: pictures and sound come as arrays.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from device.bench.stages import make_stages
from device.models.probabilities import served
from device.models.sets import load_set
from device.models.tflite import TfliteModel

MODELS = Path(__file__).resolve().parents[2] / "models_tflite"
"""The checkout's, not those installed with a Python."""
WARM_UP = 15
CALLS = 30
"""A multiple of 10, as every tenth frame looks around, of 5, as every fifth of a still room is looked at, and of 3, the
seconds of sound that the gate is given."""


def count(inputs: Path) -> list[str]:
    """The names of the stages. The plugin says at each process's end how many instructions it has run since the start.

    Of each stage there is one process that calls it not once more and one that calls it ``CALLS`` times more.
    """
    cv2.setNumThreads(1)
    given = np.load(inputs)
    stages = make_stages(load_set(MODELS), given["grey"], given["samples"])
    for stage in stages.values():
        for _ in range(WARM_UP):
            stage()
        _in_a_fork(stage, 0)
        _in_a_fork(stage, CALLS)
    return list(stages)


def _in_a_fork(stage: Callable[[], object], calls: int) -> None:
    process = os.fork()
    if process == 0:
        for _ in range(calls):
            stage()
        os._exit(0)
    _, status = os.waitpid(process, 0)
    if status:
        sys.exit(f"inside.py: a stage ended with {os.waitstatus_to_exitcode(status)}")


def answers(inputs: Path) -> dict[str, list[list[float]]]:
    """What the two nets make of the same inputs: the served probabilities, a row each."""
    models, given = load_set(MODELS), np.load(inputs)
    return {
        card.id: [list(served(card, model(values)[0])) for values in given[card.kind]]
        for card in models.models.values()
        for model in [TfliteModel(card, models.folder)]
    }


if __name__ == "__main__":
    command = {"count": count, "answers": answers}[sys.argv[1]]
    sys.stdout.write(json.dumps(command(Path(sys.argv[2]))) + "\n")
