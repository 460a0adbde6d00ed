"""Quantization formats: one net in every .tflite form, scored on the same samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.arrays import FloatArray
from device.models.card import Served
from device.models.tflite import TfliteModel
from quantize.conversion import calibration, convert
from quantize.conversion.cards import described
from quantize.datasets import DatasetError, Samples
from quantize.evaluation.agreement import Closeness, closeness
from quantize.evaluation.evaluate import Version, predict_probabilities
from quantize.evaluation.metrics import Scores, score
from quantize.evaluation.significance import mcnemar_p
from quantize.files import sha256_of
from quantize.inputs.preprocess import preprocess
from quantize.training import checkpoints, shipped
from quantize.training.recipe import Recipe

_FLOAT32 = "float32"


@dataclass(frozen=True, slots=True)
class Difference(Closeness):
    """How the answers of one form differ from those of the float32 form, by true class.

    ``newly_wrong`` samples are right in float32 alone, ``newly_right`` in this form alone; ``mcnemar_p`` is the exact
    two-sided test of their numbers.
    """

    newly_wrong: int
    newly_right: int
    mcnemar_p: float


@dataclass(frozen=True, slots=True)
class FormatFigures:
    """One file of the net: its size, its scores on the test part, and how it differs from float32 (itself: not)."""

    format: str
    file: str
    sha256: str
    bytes: int
    test: Scores
    against_float32: Difference | None


@dataclass(frozen=True, slots=True)
class FormatComparison:
    """All forms of one net, first float32, on one test part, each as ``served`` says."""

    model: str
    net_sha256: str
    served: Served
    dataset: str
    protocol: str
    remarks: tuple[str, ...]
    calibrated_on: int
    forms: tuple[FormatFigures, ...]

    @property
    def made_of(self) -> tuple[Version, ...]:
        """The int8 file."""
        return (Version(self.forms[-1].sha256, self.served),)


def study(
    recipe: Recipe, root: Path, *, run: Path | None = None, calibration_path: Path | None = None
) -> FormatComparison:
    """Score the net of ``run``, by default the one that ships, in each form. Raises ``AffectdError``."""
    run, split, served = (
        run or shipped.folder_of(recipe),
        recipe.dataset.split(root),
        shipped.served_when_shipped(recipe),
    )
    checkpoints.require_state(run)
    model = checkpoints.load_net(run)
    samples = preprocess(recipe.front_end, split.test, "test")
    if not len(samples):
        raise DatasetError(f"{recipe.dataset.name}: the appliance says nothing about any of its test samples")
    inputs = calibration.inputs(recipe, calibration_path or calibration.path_of(recipe, run), split.train)
    with TemporaryDirectory() as folder:
        forms = _scored(recipe, served, _written(recipe, model, inputs, Path(folder)), samples)
    return FormatComparison(
        model=recipe.id,
        net_sha256=sha256_of(run / checkpoints.RESULT),
        served=served,
        dataset=recipe.dataset.name,
        protocol=f"the test part, {split.note}; int8 calibrated on pinned training samples",
        remarks=split.remarks,
        calibrated_on=len(inputs),
        forms=forms,
    )


def _scored(recipe: Recipe, served: Served, paths: Mapping[str, Path], samples: Samples) -> tuple[FormatFigures, ...]:
    answers = {name: _answers(recipe, served, path, samples) for name, path in paths.items()}
    return tuple(_form(name, paths[name], probs, answers[_FLOAT32], samples) for name, probs in answers.items())


def _written(recipe: Recipe, model: Any, inputs: list[FloatArray], folder: Path) -> dict[str, Path]:
    ways: dict[str, Callable[[Path], None]] = {
        _FLOAT32: lambda path: convert.to_float(model, path),
        "float16": lambda path: convert.to_float16(model, path),
        "dynamic-range": lambda path: convert.to_dynamic_range(model, path),
        "int8": lambda path: convert.to_int8(model, inputs, path, beyond=recipe.calibration_tail),
    }
    paths = {name: folder / f"{recipe.id}-{name}.tflite" for name in ways}
    for name, write in ways.items():
        write(paths[name])
    return paths


def _answers(recipe: Recipe, served: Served, path: Path, samples: Samples) -> FloatArray:
    model = TfliteModel(described(recipe, path, served), path.parent)
    return predict_probabilities(model, recipe.front_end, samples)


def _form(name: str, path: Path, probs: FloatArray, float32: FloatArray, samples: Samples) -> FormatFigures:
    return FormatFigures(
        format=name,
        file=path.name,
        sha256=sha256_of(path),
        bytes=path.stat().st_size,
        test=score(probs, samples.labels, samples.groups),
        against_float32=None if name == _FLOAT32 else difference(probs, float32, samples.labels),
    )


def difference(probs: FloatArray, float32: FloatArray, labels: NDArray[np.int64]) -> Difference:
    """Compare probabilities (n, 7) with those of the float32 form for the same samples."""
    right, reference_right = (p.argmax(axis=1) == labels for p in (probs, float32))
    newly_wrong, newly_right = int((reference_right & ~right).sum()), int((right & ~reference_right).sum())
    return Difference(
        **asdict(closeness(probs, float32, labels)),
        newly_wrong=newly_wrong,
        newly_right=newly_right,
        mcnemar_p=mcnemar_p(newly_wrong, newly_right),
    )
