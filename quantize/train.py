"""Training: seeded, with a checkpoint after every epoch, so that stopping it costs at most one epoch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress, TimeRemainingColumn

from device.errors import AffectdError
from device.readings import EMOTIONS
from quantize import checkpoints
from quantize.answers import answer_of
from quantize.averaging import between
from quantize.checkpoints import Epoch, Training
from quantize.courses import Course
from quantize.datasets import Samples, Split
from quantize.learner import Learner, learner, seed_net
from quantize.priors import without_priors
from quantize.prosody_fit import with_prosody
from quantize.recipe import Recipe
from quantize.refit import refitted
from quantize.teaching import taught


@dataclass(frozen=True, slots=True)
class _School:
    """Everything that stays the same from epoch to epoch."""

    recipe: Recipe
    course: Course
    validation: Samples
    learning: Learner
    bars: Progress


def train(recipe: Recipe, split: Split, run: Path, *, seed: int, epochs: int) -> Training:
    """Train for ``epochs``, or until the validation accuracy has not risen for the recipe's patience if it has one.

    Goes on where ``run`` stands if it was begun with the same recipe and seed. Raises ``AffectdError``.
    """
    training = _begun(recipe, run, seed)
    _require_every_class(split.train)
    learning = learner(recipe, run, training)
    with Progress(*Progress.get_default_columns()[:-1], TimeRemainingColumn(elapsed_when_finished=True)) as bars:
        course = recipe.plan(_taught(recipe, split, run.parent))
        school = _School(recipe, course, split.validation, learning, bars)
        if recipe.is_finished_apart and len(training.epochs) < epochs:
            checkpoints.forget_result(run)  # or what is cut short now would ship, or be grown from, as it was before
        while len(training.epochs) < epochs and not _is_stuck(recipe, training):
            epoch = _one_epoch(school, seed, len(training.epochs) + 1)
            training = training.after(epoch)
            is_result = training.epochs_since_chosen == 0 and not recipe.is_finished_apart
            learning.save(run, training, result=learning.answering if is_result else None)
            bars.console.print(_line(epoch), highlight=False)
    if recipe.is_finished_apart:
        result = finished(recipe, learning.answering, split, run.parent)
        checkpoints.save(run, {checkpoints.RESULT: result}, training)
    return training


def _taught(recipe: Recipe, split: Split, runs: Path) -> Split:
    if recipe.grown_from is None or not recipe.taught_share:
        return split
    teacher = seed_net(recipe.id, recipe.grown_from, runs)
    train = taught(split.train, teacher=teacher, front_end=recipe.front_end, share=recipe.taught_share)
    return replace(split, train=train)


def finished(recipe: Recipe, answering: Any, split: Split, runs: Path) -> Any:
    """The net that a whole training gives: the one that answers, and with it what the recipe fits anew.

    ``runs`` is where the training is that it was grown from. Raises ``AffectdError`` where that is asked for and not
    there.
    """
    if recipe.grown_from is not None and recipe.way_kept < 1:
        answering = between(seed_net(recipe.id, recipe.grown_from, runs), answering, recipe.way_kept)
    if recipe.prosody is not None:
        return with_prosody(answering, split, recipe.prosody)
    if recipe.refit is None:
        return answering
    samples, plan, number = split.train, recipe.refit, recipe.answer_number(recipe.refit.answer)
    inputs = np.stack([recipe.front_end.served(signal) for signal in samples.signals])
    net = refitted(answering, answer=number, inputs=inputs, labels=samples.labels, ridge=plan.ridge)
    return without_priors(net, answer=number, labels=samples.labels, strength=plan.prior_strength)


def _is_stuck(recipe: Recipe, training: Training) -> bool:
    return recipe.patience is not None and training.epochs_since_chosen >= recipe.patience


def _begun(recipe: Recipe, run: Path, seed: int) -> Training:
    begun = checkpoints.read_state(run) or Training(recipe.id, seed, keeps_best=recipe.patience is not None)
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


def _one_epoch(school: _School, seed: int, number: int) -> Epoch:
    rng = np.random.default_rng([seed, number])
    bar = school.bars.add_task(f"epoch {number}", total=school.course.steps)
    total, seen = 0.0, 0
    for batch in school.course.epoch(number, rng):
        total += school.learning.learn(batch) * len(batch[1])
        seen += len(batch[1])
        school.bars.advance(bar)
    school.bars.remove_task(bar)
    loss = total / seen
    if not np.isfinite(loss):
        raise AffectdError(f"epoch {number}: the loss is {loss}; the last checkpoint is kept, try another seed")
    validation_loss, accuracy = validated(school.learning.answering, school.recipe, school.validation)
    return Epoch(number, loss, validation_loss, accuracy)


def validated(model: Any, recipe: Recipe, samples: Samples) -> tuple[float | None, float | None]:
    """Loss and accuracy of the answer that the corpus's labels are; nothing where there is no validation part."""
    if not len(samples):
        return None, None
    inputs = np.stack([recipe.front_end.served(signal) for signal in samples.signals])
    outputs = model.predict(inputs, batch_size=256, verbose=0)
    probs = answer_of(outputs, recipe.answer_number(recipe.dataset.answer))
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
