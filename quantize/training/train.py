"""Training loop: seeded, with early stopping and a checkpoint after every epoch, so that a stop costs at most one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress, TimeRemainingColumn

from device.errors import AffectdError
from device.readings import EMOTIONS
from quantize.datasets import Samples, Split
from quantize.evaluation.metrics import head_of
from quantize.training import checkpoints
from quantize.training.architectures import grown, of_any_size
from quantize.training.batches import BatchStream, TrainingBatch
from quantize.training.checkpoints import Epoch, Training
from quantize.training.distillation import distilled
from quantize.training.ema import ExponentialMovingAverage
from quantize.training.recipe import Finishing, Recipe


@dataclass(frozen=True, slots=True)
class _Run:
    """Everything that stays the same from epoch to epoch."""

    recipe: Recipe
    stream: BatchStream
    validation: Samples
    learner: Learner
    bars: Progress


def train(recipe: Recipe, split: Split, run: Path, *, seed: int, epochs: int) -> Training:
    """Train for ``epochs``, or until the validation accuracy has not risen for the recipe's patience if it has one.

    Goes on where ``run`` stands if it was begun with the same recipe and seed. Raises ``AffectdError``.
    """
    training = _started(recipe, run, seed)
    _require_classes(recipe, split.train)
    learner = resumed_learner(recipe, run, training)
    with Progress(*Progress.get_default_columns()[:-1], TimeRemainingColumn(elapsed_when_finished=True)) as bars:
        stream = recipe.plan(_distilled(recipe, split, run.parent))
        state = _Run(recipe, stream, split.validation, learner, bars)
        if recipe.finish and len(training.epochs) < epochs:
            checkpoints.forget_result(run)  # or what is cut short now would ship, or be grown from, as it was before
        while len(training.epochs) < epochs and not _stops_early(recipe, training):
            epoch = _one_epoch(state, seed, len(training.epochs) + 1)
            training = training.after(epoch)
            is_result = training.epochs_since_chosen == 0 and not recipe.finish
            learner.save(run, training, result=learner.answering if is_result else None)
            checkpoints.write_log(run, training)
            bars.console.print(_line(epoch), highlight=False)
    if recipe.finish:
        result = finished(recipe, learner.answering, split, run.parent)
        checkpoints.save(run, {checkpoints.RESULT: result}, training)
    return training


def _distilled(recipe: Recipe, split: Split, runs: Path) -> Split:
    if recipe.initial_from is None or not recipe.distillation_weight:
        return split
    teacher = initial_net(recipe, runs)
    train = distilled(split.train, teacher=teacher, front_end=recipe.front_end, share=recipe.distillation_weight)
    return replace(split, train=train)


def finished(recipe: Recipe, net: Any, split: Split, runs: Path) -> Any:
    """The net after the finish steps; ``runs`` has the training that it began with. Raises ``AffectdError``."""
    for step in recipe.finish:
        net = step(net, Finishing(recipe, split, initial=lambda: initial_net(recipe, runs)))
    return net


def _stops_early(recipe: Recipe, training: Training) -> bool:
    return recipe.patience is not None and training.epochs_since_chosen >= recipe.patience


def _started(recipe: Recipe, run: Path, seed: int) -> Training:
    begun = checkpoints.read_state(run) or Training(recipe.id, seed, keeps_best=recipe.patience is not None)
    if (begun.recipe, begun.seed) != (recipe.id, seed):
        raise AffectdError(
            f"{run} holds a training of {begun.recipe} with seed {begun.seed}; "
            "choose another --run, or remove that folder"
        )
    return begun


def _require_classes(recipe: Recipe, samples: Samples) -> None:
    if recipe.is_own:
        if len(np.unique(samples.labels)) < 2:
            raise AffectdError("the training part has not two classes of which the appliance would read anything")
        return
    missing = [str(e) for i, e in enumerate(EMOTIONS) if not np.any(samples.labels == i)]
    if missing:
        raise AffectdError(f"the training part has no sample of: {', '.join(missing)}; the corpus is not complete")


def _one_epoch(state: _Run, seed: int, number: int) -> Epoch:
    rng = np.random.default_rng([seed, number])
    bar = state.bars.add_task(f"epoch {number}", total=state.stream.steps)
    total, seen = 0.0, 0
    for batch in state.stream.epoch(number, rng):
        total += state.learner.learn(batch) * len(batch[1])
        seen += len(batch[1])
        state.bars.advance(bar)
    state.bars.remove_task(bar)
    loss = total / seen
    if not np.isfinite(loss):
        raise AffectdError(f"epoch {number}: the loss is {loss}; the last checkpoint is kept, try another seed")
    validation_loss, accuracy = validated(state.learner.answering, state.recipe, state.validation)
    return Epoch(number, loss, validation_loss, accuracy)


def validated(model: Any, recipe: Recipe, samples: Samples) -> tuple[float | None, float | None]:
    """Loss and accuracy of the answer that the corpus's labels are; nothing where there is no validation part."""
    if not len(samples):
        return None, None
    inputs = recipe.front_end.inputs(samples)
    outputs = model.predict(inputs, batch_size=256, verbose=0)
    probs = head_of(outputs, recipe.head_number(recipe.dataset.head))
    likelihood = probs[np.arange(len(samples)), samples.labels]
    loss = float(-np.log(np.maximum(likelihood, 1e-7)).mean())
    return loss, float((probs.argmax(axis=1) == samples.labels).mean())


def _line(epoch: Epoch) -> str:
    validated = (
        ""
        if epoch.validation_accuracy is None
        else (f"  validation loss {epoch.validation_loss:.3f}  accuracy {100 * epoch.validation_accuracy:.1f} %")
    )
    return f"epoch {epoch.number:3d}  loss {epoch.loss:.3f}{validated}"


@dataclass(frozen=True, slots=True)
class Learner:
    """``net`` is trained; ``answering`` is validated and shipped: the net itself, or the mean that trails it."""

    net: Any
    average: ExponentialMovingAverage | None = None

    @property
    def answering(self) -> Any:
        """The net whose answers count."""
        return self.net if self.average is None else self.average.net

    def learn(self, batch: TrainingBatch) -> float:
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


def resumed_learner(recipe: Recipe, run: Path, training: Training) -> Learner:
    """A fresh learner, or the one that ``run`` holds. Raises ``AffectdError`` where its checkpoint can not be read."""
    import tf_keras

    # A resumed run draws its dropout anew; its order and its variations of examples are those of an unbroken one.
    tf_keras.utils.set_random_seed(training.seed + len(training.epochs))
    net = _fresh(recipe, tf_keras)
    if training.epochs:
        _take_up(net, run)
    elif recipe.initial_from is not None:
        grown(net, initial_net(recipe, run.parent))
    if recipe.ema_decay is None:
        return Learner(net)
    return Learner(net, ExponentialMovingAverage(_answering(recipe, net, run, training), net, recipe.ema_decay))


def _fresh(recipe: Recipe, keras: Any) -> Any:
    net = recipe.architecture(keras)
    if recipe.progressive_resizing:
        net = of_any_size(keras, net)
    net.compile(optimizer=recipe.optimizer(keras), loss=recipe.loss)
    return net


def initial_net(recipe: Recipe, runs: Path) -> Any:
    """The net that the recipe's begins with: that of ``initial_from``, its layers named as in that recipe.

    Raises ``AffectdError`` where ``runs`` has no whole training of it.
    """
    import tf_keras

    seed = recipe.initial_from
    if seed is None:
        raise AffectdError(f"{recipe.id} goes on from no other net; its recipe has to name one")
    folder = runs / seed.id
    if checkpoints.read_state(folder) is None or not (folder / checkpoints.RESULT).exists():
        raise AffectdError(
            f"{recipe.id} goes on from {seed.id}, and {folder} has no whole training of it; "
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
