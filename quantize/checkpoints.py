"""A training run's folder: the last and the best net and how far it came. Nothing is ever half-written there."""

from __future__ import annotations

import json
import os
import zipfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from device.errors import AffectdError

LAST, BEST, STATE = "last.keras", "best.keras", "training.json"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training part. Losses are mean cross-entropies in nats, accuracies are in 0…1."""

    number: int
    loss: float
    validation_loss: float
    validation_accuracy: float


@dataclass(frozen=True, slots=True)
class Training:
    """How a run was started and what it reached so far."""

    recipe: str
    seed: int
    epochs: tuple[Epoch, ...] = ()

    @property
    def best(self) -> Epoch:
        """The epoch with the best validation accuracy; of equal ones that with the lowest validation loss."""
        return max(self.epochs, key=lambda e: (e.validation_accuracy, -e.validation_loss))

    @property
    def epochs_since_best(self) -> int:
        """How many epochs followed the best one."""
        return self.epochs[-1].number - self.best.number if self.epochs else 0

    def after(self, epoch: Epoch) -> Training:
        """The state once ``epoch`` is over."""
        return replace(self, epochs=(*self.epochs, epoch))


def save(run: Path, model: Any, training: Training) -> None:
    """Keep the net, and the net as the best one if it is. Raises ``AffectdError`` where the disk refuses.

    The state is written last: if the power goes between the two, one epoch is trained again, nothing is lost.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        names = [LAST, BEST] if training.epochs_since_best == 0 else [LAST]
        for name in names:
            beside = run / f"new-{name}"
            model.save(beside)
            beside.replace(run / name)
    except OSError as error:
        raise AffectdError(f"{run}: cannot write the checkpoint ({error.strerror}); the last one is kept") from error
    write_beside(run / STATE, json.dumps(asdict(training), indent=1).encode())


def write_beside(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash, meets the old one or the new one, never a part.

    Raises ``AffectdError`` where the disk refuses.
    """
    beside = path.with_name(f"new-{path.name}")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise AffectdError(f"{path}: cannot be written ({error.strerror}); nothing there was changed") from error


def read_state(run: Path) -> Training | None:
    """What the run in this folder reached; ``None`` where none was started. Raises ``AffectdError``."""
    path = run / STATE
    if not path.exists():
        return None
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return Training(raw["recipe"], raw["seed"], tuple(Epoch(**epoch) for epoch in raw["epochs"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AffectdError(f"{path}: not the state of a training ({error}); remove {run} to start anew") from error


def require_state(run: Path) -> Training:
    """``read_state`` of a run that has finished an epoch at least. Raises ``AffectdError`` if there is none."""
    training = read_state(run)
    if training is None or not training.epochs:
        raise AffectdError(f"{run}: no training has been made there; run `python -m quantize train` first")
    return training


def load_net(run: Path, name: str = BEST) -> Any:
    """The net kept under ``name``. Raises ``AffectdError`` where there is none."""
    import tf_keras

    path = run / name
    try:
        return tf_keras.models.load_model(path)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise AffectdError(f"{path}: no checkpoint can be read there; run `python -m quantize train` first") from error
