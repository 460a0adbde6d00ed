"""Checkpoints: a training run's folder with the last and the best net, of which nothing is ever half-written."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from typing import Any

import msgspec

from device.errors import AffectdError
from quantize.files import write_file
from quantize.training.architectures import cross_entropy_of_answers

LAST, ANSWERING, RESULT, TRAINING_STATE = "last.keras", "answering.keras", "result.keras", "training.json"
"""The net that is trained on, the one whose answers count (itself, or a mean of it), and what the run is for."""
LOG = "log.csv"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the training part. Losses are mean cross-entropies in nats, accuracies are in 0…1.

    ``loss`` is what the steps made smaller: with the weight decay of nets that have one, and to their targets. Without
    a validation part its figures are ``None``.
    """

    number: int
    loss: float
    validation_loss: float | None
    validation_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Training:
    """How a run was started and what it reached so far.

    ``keeps_best`` says which epoch's net is the result: the best one so far, or simply the last.
    """

    recipe: str
    seed: int
    keeps_best: bool
    epochs: tuple[Epoch, ...] = ()

    @property
    def chosen(self) -> Epoch:
        """The epoch whose net is the result; of equally accurate ones that with the lowest validation loss."""
        return max(self.epochs, key=_merit) if self.keeps_best else self.epochs[-1]

    @property
    def epochs_since_chosen(self) -> int:
        """How many epochs followed the chosen one."""
        return self.epochs[-1].number - self.chosen.number if self.epochs else 0

    def after(self, epoch: Epoch) -> Training:
        """The state once ``epoch`` is over."""
        return replace(self, epochs=(*self.epochs, epoch))


def _merit(epoch: Epoch) -> tuple[float, float]:
    if epoch.validation_accuracy is None or epoch.validation_loss is None:
        raise AffectdError("a training that keeps its best epoch needs a validation part")
    return epoch.validation_accuracy, -epoch.validation_loss


def save(run: Path, nets: Mapping[str, Any], training: Training) -> None:
    """Keep the nets, by the names of their files. Raises ``AffectdError`` where the disk refuses.

    The state is written last: if the power goes between the two, one epoch is trained again, nothing is lost.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        for name, net in nets.items():
            beside = run / f"new-{name}"
            net.save(beside)
            beside.replace(run / name)
    except OSError as error:
        raise AffectdError(f"{run}: cannot write the checkpoint ({error.strerror}); the last one is kept") from error
    write_file(run / TRAINING_STATE, msgspec.json.format(msgspec.json.encode(training), indent=1))


def write_log(run: Path, training: Training) -> None:
    """The epochs as a table for spreadsheets and plots, a row each. Raises ``AffectdError``."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(column.name for column in fields(Epoch))
    writer.writerows(map(astuple, training.epochs))
    write_file(run / LOG, text.getvalue().encode())


def forget_result(run: Path) -> None:
    """Remove the run's result if it has one."""
    (run / RESULT).unlink(missing_ok=True)


def read_state(run: Path) -> Training | None:
    """What the run in this folder reached; ``None`` where none was started. Raises ``AffectdError``."""
    path = run / TRAINING_STATE
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Training)
    except (OSError, msgspec.MsgspecError) as error:
        raise AffectdError(f"{path}: not the state of a training ({error}); remove {run} to start anew") from error


def require_state(run: Path) -> Training:
    """``read_state`` of a run that has finished an epoch at least. Raises ``AffectdError`` if there is none."""
    training = read_state(run)
    if training is None or not training.epochs:
        raise AffectdError(f"{run}: no training has been made there; run `python -m quantize train` first")
    return training


def load_net(run: Path, name: str = RESULT, *, is_compiled: bool = True) -> Any:
    """The net kept under ``name``, with its optimizer's memory if it ``is_compiled``.

    Raises ``AffectdError`` where there is none.
    """
    import tf_keras

    from quantize.training.schedules import WarmupCosineRestarts

    path = run / name
    # "Cycles": how runs that were begun before call the schedule.
    schedules = dict.fromkeys(("WarmupCosineRestarts", "Cycles"), WarmupCosineRestarts)
    known = {"cross_entropy_of_answers": cross_entropy_of_answers, **schedules}
    try:
        return tf_keras.models.load_model(path, custom_objects=known, compile=is_compiled)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise AffectdError(f"{path}: no checkpoint can be read there; run `python -m quantize train` first") from error
