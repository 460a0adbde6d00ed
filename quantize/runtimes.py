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
from quantize.datasets import Dataset, Split
from quantize.evaluate import front_end_of, outputs
from quantize.hearing import heard
from quantize.metrics import CLASSES

SOURCES = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class AnswerDifference:
    """Of one answer of a net: how many samples the runtimes name otherwise, and the largest difference in 0…1."""

    answer: str
    renamed: int
    largest_difference: float


@dataclass(frozen=True, slots=True)
class RuntimeDifference:
    """One file in two runtimes, on the test part of a corpus."""

    model: str
    sha256: str
    dataset: str
    samples: int
    runtimes: tuple[str, str]
    answers: tuple[AnswerDifference, ...]


def compare_runtimes(model_path: Path, dataset: Dataset, split: Split, *, python: Path) -> RuntimeDifference:
    """Answer the test part here and in ``python``, an interpreter that has another runtime. Raises ``AffectdError``."""
    model = TfliteModel(read_card(model_path.with_suffix(".json")), model_path.parent)
    front_end = front_end_of(model)
    samples = heard(front_end, split.test, "test")
    own = outputs(model, front_end, samples)
    served = np.stack([front_end.served(signal) for signal in samples.signals])
    name, others = _answers_in(python, model_path, served)
    pairs = zip(model.card.answers, np.moveaxis(own, 1, 0), np.moveaxis(others, 1, 0), strict=True)
    return RuntimeDifference(
        model=model.card.id,
        sha256=model.card.sha256,
        dataset=dataset.name,
        samples=len(samples),
        runtimes=(runtime_name(), name),
        answers=tuple(
            AnswerDifference(answer.name, int((a.argmax(axis=1) != b.argmax(axis=1)).sum()), float(np.abs(a - b).max()))
            for answer, a, b in pairs
        ),
    )


def _answers_in(python: Path, model_path: Path, inputs: NDArray[np.float32]) -> tuple[str, NDArray[np.float32]]:
    """The runtime's name, and its answers (samples, answers, 7)."""
    with tempfile.TemporaryDirectory() as folder:
        given, answered = Path(folder) / "inputs.npy", Path(folder) / "outputs.npy"
        np.save(given, inputs)
        command: list[str | Path] = [python, "-m", "quantize.second_runtime", model_path.resolve(), given, answered]
        try:
            done = subprocess.run(command, cwd=SOURCES, capture_output=True, text=True, check=False)
        except OSError as error:
            raise AffectdError(
                f"{python}: cannot be run ({error.strerror}); name a Python that has a runtime"
            ) from error
        if done.returncode != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise AffectdError(f"{python}: could not answer ({said}); it needs numpy and a TFLite runtime")
        return done.stdout, np.load(answered).reshape(len(inputs), -1, CLASSES)
