"""Training: seeded, with a checkpoint after every epoch, so that stopping it costs at most one epoch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress, TimeRemainingColumn

from device.errors import AffectdError
from device.readings import EMOTIONS
from quantize import checkpoints
from quantize.checkpoints import Epoch, Training
from quantize.datasets import Samples, Split
from quantize.recipes import Recipe

FloatArray = NDArray[np.float32]


def train(recipe: Recipe, split: Split, run: Path, *, seed: int, epochs: int) -> Training:
    """Train until ``epochs`` are over or the validation accuracy has not risen for the recipe's patience.

    Goes on where ``run`` stands if it was begun with the same recipe and seed. Raises ``AffectdError``.
    """
    training = _begun(recipe, run, seed)
    _require_every_class(split.train)
    model = _model(recipe, run, training)
    with Progress(*Progress.get_default_columns()[:-1], TimeRemainingColumn(elapsed_when_finished=True)) as bars:
        while len(training.epochs) < epochs and training.epochs_since_best < recipe.patience:
            epoch = _one_epoch(model, recipe, split, seed, len(training.epochs) + 1, bars)
            training = training.after(epoch)
            checkpoints.save(run, model, training)
            bars.console.print(_line(epoch), highlight=False)
    return training


def _begun(recipe: Recipe, run: Path, seed: int) -> Training:
    begun = checkpoints.read_state(run) or Training(recipe.id, seed)
    if (begun.recipe, begun.seed) != (recipe.id, seed):
        raise AffectdError(
            f"{run} holds a training of {begun.recipe} with seed {begun.seed}; "
            "choose another --run, or remove that folder"
        )
    return begun


def _require_every_class(samples: Samples) -> None:
    missing = [str(e) for i, e in enumerate(EMOTIONS) if not np.any(samples.labels == i)]
    if missing:
        raise AffectdError(f"the training part has no sample of: {', '.join(missing)}; the corpus is not complete")


def _model(recipe: Recipe, run: Path, training: Training) -> Any:
    import tf_keras

    # A resumed run draws its dropout anew; its order and its variations of examples are those of an unbroken one.
    tf_keras.utils.set_random_seed(training.seed + len(training.epochs))
    if training.epochs:
        return checkpoints.load_net(run, checkpoints.LAST)
    model = recipe.architecture(tf_keras)
    model.compile(optimizer=recipe.optimizer(tf_keras), loss="sparse_categorical_crossentropy")
    return model


def _one_epoch(model: Any, recipe: Recipe, split: Split, seed: int, number: int, bars: Progress) -> Epoch:
    rng = np.random.default_rng([seed, number])
    order = epoch_order(split.train.labels, rng, oversample=recipe.oversample)
    bar = bars.add_task(f"epoch {number}", total=len(order))
    losses = []
    for batch in _batches(order, recipe.batch_size):
        inputs = np.stack([recipe.front_end.varied(split.train.signals[i], rng) for i in batch])
        losses.append(float(model.train_on_batch(inputs, split.train.labels[batch])) * len(batch))
        bars.advance(bar, len(batch))
    bars.remove_task(bar)
    loss = sum(losses) / len(order)
    if not np.isfinite(loss):
        raise AffectdError(f"epoch {number}: the loss is {loss}; the last checkpoint is kept, try another seed")
    validation_loss, accuracy = _validated(model, recipe, split.validation)
    return Epoch(number, loss, validation_loss, accuracy)


def epoch_order(labels: NDArray[np.int64], rng: np.random.Generator, *, oversample: bool) -> NDArray[np.int64]:
    """The order of one epoch's examples: each once, or each class as often as the most frequent one."""
    if not oversample:
        return rng.permutation(len(labels))
    most = int(np.bincount(labels).max())
    drawn = []
    for label in np.unique(labels):
        own = np.flatnonzero(labels == label)
        again = rng.choice(own, most - len(own), replace=most - len(own) > len(own))
        drawn += [own, again]
    return rng.permutation(np.concatenate(drawn))


def _batches(order: NDArray[np.int64], size: int) -> Iterator[NDArray[np.int64]]:
    for first in range(0, len(order), size):
        yield order[first : first + size]


def _validated(model: Any, recipe: Recipe, samples: Samples) -> tuple[float, float]:
    inputs = np.stack([recipe.front_end.served(signal) for signal in samples.signals])
    probs = model.predict(inputs, batch_size=256, verbose=0)
    likelihood = probs[np.arange(len(samples)), samples.labels]
    loss = float(-np.log(np.maximum(likelihood, 1e-7)).mean())
    return loss, float((probs.argmax(axis=1) == samples.labels).mean())


def _line(epoch: Epoch) -> str:
    return (
        f"epoch {epoch.number:3d}  loss {epoch.loss:.3f}  "
        f"validation loss {epoch.validation_loss:.3f}  accuracy {100 * epoch.validation_accuracy:.1f} %"
    )
