"""Calibration set: the samples that set a file's int8 scales, drawn once and kept by name, to repeat it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from device.arrays import FloatArray
from device.errors import AffectdError
from quantize.datasets import DatasetError, Samples
from quantize.files import write_file
from quantize.inputs.preprocess import preprocess
from quantize.training.recipe import Recipe

_FOLDER = Path(__file__).parents[1] / "calibration"
CALIBRATION_SAMPLES = 300
_SEED = 7


def path_of(recipe: Recipe, run: Path) -> Path:
    """Where the samples of the recipe are pinned: those of a net of one's own in its ``run``."""
    return run / "calibration.json" if recipe.is_own else _FOLDER / f"{recipe.id}.json"


def pinned(path: Path, training: Samples) -> Samples:
    """The training samples whose names stand in ``path``; where there is no such file they are drawn and written."""
    if not path.exists():
        _draw(path, training)
    wanted = _read(path)
    place = {name: i for i, name in enumerate(training.names)}
    missing = [name for name in wanted if name not in place]
    if missing:
        raise DatasetError(
            f"{path}: {len(missing)} of its samples are not in the training part, first {missing[0]}; "
            "use the corpus it was drawn from, or another --calibration"
        )
    return training.take([place[name] for name in wanted])


def inputs(recipe: Recipe, path: Path, training: Samples) -> list[FloatArray]:
    """The model's inputs of the pinned samples that the appliance would read."""
    chosen = preprocess(recipe.front_end, pinned(path, training), "calibration")
    return list(recipe.front_end.inputs(chosen))


def _draw(path: Path, training: Samples) -> None:
    rng = np.random.default_rng(_SEED)
    chosen = np.sort(rng.choice(len(training), min(CALIBRATION_SAMPLES, len(training)), replace=False))
    names = [training.names[i] for i in chosen]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, (json.dumps({"seed": _SEED, "samples": names}, indent=1) + "\n").encode())


def _read(path: Path) -> list[str]:
    try:
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))["samples"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AffectdError(f"{path}: not a calibration set ({error}); remove it to draw a new one") from error
