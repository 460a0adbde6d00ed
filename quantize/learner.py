"""What learns: the net that is trained and, where the recipe says so, the running mean of it that answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.errors import AffectdError
from quantize import checkpoints
from quantize.architectures import grown, of_any_size
from quantize.averaging import Average
from quantize.checkpoints import Training
from quantize.courses import Batch
from quantize.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Learner:
    """``net`` is trained; ``answering`` is validated and shipped: the net itself, or the mean that trails it."""

    net: Any
    average: Average | None = None

    @property
    def answering(self) -> Any:
        """The net whose answers count."""
        return self.net if self.average is None else self.average.net

    def learn(self, batch: Batch) -> float:
        """One step; the loss it was made from."""
        loss = float(self.net.train_on_batch(*batch))
        if self.average is not None:
            self.average.follow()
        return loss

    def save(self, run: Path, training: Training, *, result: Any | None) -> None:
        """Keep everything that going on needs and, if there is one, the run's new result. Raises ``AffectdError``."""
        nets = {checkpoints.LAST: self.net, checkpoints.ANSWERING: self.answering}
        if result is not None:
            nets[checkpoints.RESULT] = result
        checkpoints.save(run, nets, training)


def learner(recipe: Recipe, run: Path, training: Training) -> Learner:
    """A fresh learner, or the one that ``run`` holds. Raises ``AffectdError`` where its checkpoint can not be read."""
    import tf_keras

    # A resumed run draws its dropout anew; its order and its variations of examples are those of an unbroken one.
    tf_keras.utils.set_random_seed(training.seed + len(training.epochs))
    net = _fresh(recipe, tf_keras)
    if training.epochs:
        _take_up(net, run)
    elif recipe.grown_from is not None:
        grown(net, seed_net(recipe.id, recipe.grown_from, run.parent))
    if recipe.averaging is None:
        return Learner(net)
    return Learner(net, Average(_answering(recipe, net, run, training), net, recipe.averaging))


def _fresh(recipe: Recipe, keras: Any) -> Any:
    net = recipe.architecture(keras)
    if recipe.pictures_grow:
        net = of_any_size(keras, net)
    net.compile(optimizer=recipe.optimizer(keras), loss=recipe.loss)
    return net


def seed_net(name: str, seed: Recipe, runs: Path) -> Any:
    """What ``seed`` has learnt, in a net whose layers have the names that the recipe gives them.

    Raises ``AffectdError`` where ``runs`` has no whole training of it; ``name`` is of what is to go on from it.
    """
    import tf_keras

    folder = runs / seed.id
    if checkpoints.read_state(folder) is None or not (folder / checkpoints.RESULT).exists():
        raise AffectdError(
            f"{name} goes on from {seed.id}, and {folder} has no whole training of it; "
            f"run `python -m quantize train {seed.id}` first"
        )
    net = seed.architecture(tf_keras)
    net.set_weights(checkpoints.load_net(folder).get_weights())
    return net


def _take_up(net: Any, run: Path) -> None:
    """Go on from ``run``, its optimizer's memory too, on the recipe's plan as it is now: it may have grown longer."""
    kept = checkpoints.load_net(run, checkpoints.LAST)
    try:
        net.set_weights(kept.get_weights())
        net.optimizer.build(net.trainable_variables)
        for own, found in zip(net.optimizer.variables, kept.optimizer.variables, strict=True):
            own.assign(found)
    except ValueError as error:
        raise AffectdError(
            f"{run} holds a training of another net than {net.name} is now ({error}); choose another --run, or remove "
            "that folder"
        ) from error


def _answering(recipe: Recipe, net: Any, run: Path, training: Training) -> Any:
    import tf_keras

    if training.epochs:
        return checkpoints.load_net(run, checkpoints.ANSWERING)
    answering = recipe.architecture(tf_keras)
    answering.set_weights(net.get_weights())
    return answering
