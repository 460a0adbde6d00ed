"""What another TFLite runtime makes of the same file: its kernels round differently."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from device.errors import AffectdError
from device.models.card import read_card
from device.models.runtime import runtime_name
from device.models.tflite import TfliteModel
from quantize.answers import served_of
from quantize.closeness import Closeness, closeness
from quantize.datasets import Dataset, Split
from quantize.evaluate import front_end_of
from quantize.hearing import heard
from quantize.metrics import CLASSES
from quantize.second_runtime import answered

SOURCES = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class RuntimeDifference:
    """One file in two runtimes, on the test part of a corpus: how close what is served of its answers is."""

    model: str
    dataset: str
    samples: int
    runtimes: tuple[str, str]
    served: Closeness


def compare_runtimes(model_path: Path, dataset: Dataset, split: Split, *, python: Path) -> RuntimeDifference:
    """Answer the test part here and in ``python``, an interpreter that has another runtime. Raises ``AffectdError``."""
    model = TfliteModel(read_card(model_path.with_suffix(".json")), model_path.parent)
    front_end = front_end_of(model)
    samples = heard(front_end, split.test, "test")
    inputs = np.stack([front_end.served(signal) for signal in samples.signals])
    name, others = _answers_in(python, model_path, inputs)
    own = answered(model_path, inputs).reshape(others.shape)
    return RuntimeDifference(
        model=model.card.id,
        dataset=dataset.name,
        samples=len(samples),
        runtimes=(runtime_name(), name),
        served=closeness(_served(model, others), _served(model, own), samples.labels),
    )


def _served(model: TfliteModel, said: NDArray[np.float32]) -> NDArray[np.float32]:
    return served_of(model.card.served, said)


def _answers_in(python: Path, model_path: Path, inputs: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]]:
    """The runtime's name, and its answers (samples, answers, 7)."""
    with tempfile.TemporaryDirectory() as folder:
        given, outputs = Path(folder) / "inputs.npy", Path(folder) / "outputs.npy"
        np.save(given, inputs)
        command: list[str | Path] = [python, "-m", "quantize.second_runtime", model_path.resolve(), given, outputs]
        try:
            done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False)
        except OSError as error:
            raise AffectdError(
                f"{python}: cannot be run ({error.strerror}); name a Python that has a runtime"
            ) from error
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise AffectdError(f"{python}: could not answer ({said}); it needs numpy and a TFLite runtime")
        return done.stdout, np.load(outputs).reshape(len(inputs), -1, CLASSES)
