"""Quantization-aware training: a trained net learns on while it is rounded as its int8 file will be.

Jacob et al., 2018 ("Quantization and training of neural networks for efficient integer-arithmetic-only inference"),
by TensorFlow Model Optimization. The net that is kept is an ordinary one: its weights have learned to be rounded, the
ranges of what it computes come from the pinned calibration set like every net's. So it is converted like every net.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

from device.arrays import FloatArray
from device.errors import AffectdError, ModelError
from quantize.datasets import Samples, Split
from quantize.training import checkpoints
from quantize.training.batches import TrainingBatch
from quantize.training.checkpoints import Epoch, Training
from quantize.training.recipe import Recipe
from quantize.training.train import validated

LEARNING_RATE = 1e-4
SETTLING_SAMPLES = 256
SETTLING_PASSES = 8
EMA_KEPT = 0.999
"""What a range keeps of itself a step; tfmot's own constant, which cannot be set."""


def fine_tune(
    recipe: Recipe, split: Split, *, run: Path, out_run: Path, epochs: int
) -> tuple[Training, tuple[str, ...]]:
    """Go on with the net of ``run`` for ``epochs`` in a run folder of its own; and the layers that are not rounded.

    The loss is the cross-entropy with the answers that the net gave before, so it needs no targets and asks for just
    what an int8 file should do. Raises ``AffectdError``.
    """
    begun = checkpoints.require_state(run)
    if checkpoints.read_state(out_run) is not None:
        raise AffectdError(f"{out_run} holds a training; choose another --out-run, or remove that folder")
    _import_keras().utils.set_random_seed(begun.seed)
    teacher, plain = checkpoints.load_net(run), checkpoints.load_net(run)
    rounded, left_alone = with_rounding(plain)
    _settle(rounded, _settling_inputs(recipe, split.train, begun.seed))
    course = recipe.plan(split)
    training = Training(recipe.id, begun.seed, keeps_best=len(split.validation) > 0)
    for number in range(1, epochs + 1):
        loss = _one_epoch(rounded, teacher, course.epoch(recipe.epochs, np.random.default_rng([begun.seed, number])))
        epoch = Epoch(number, loss, *validated(rounded, recipe, split.validation))
        training = training.after(epoch)
        take_weights(plain, rounded)
        nets = (checkpoints.LAST, checkpoints.RESULT) if training.epochs_since_chosen == 0 else (checkpoints.LAST,)
        checkpoints.save(out_run, dict.fromkeys(nets, plain), training)
    return training, left_alone


def with_rounding(model: Any) -> tuple[Any, tuple[str, ...]]:
    """A copy of the net that rounds weights and what layers answer to int8, and the layers that it leaves alone.

    Those are the ones that tfmot has no int8 form of (``Rescaling``, recurrent layers). Raises ``ModelError`` if it
    cannot wrap the net at all.
    """
    import tensorflow_model_optimization as tfmot

    tools, left = tfmot.quantization.keras, [layer for layer in model.layers if not _can_be_rounded(layer)]

    def annotated(layer: Any) -> Any:
        return tools.quantize_annotate_layer(layer, _no_rounding()) if layer in left else layer

    try:
        cloned = _import_keras().models.clone_model(model, clone_function=annotated)
        with tools.quantize_scope({"NoOpQuantizeConfig": type(_no_rounding())}):
            rounded = tools.quantize_apply(tools.quantize_annotate_model(cloned))
    except (RuntimeError, ValueError) as error:
        raise ModelError(f"net {model.name}: tfmot cannot wrap it ({error}); convert it without this") from error
    rounded.compile(optimizer=_import_keras().optimizers.Adam(LEARNING_RATE), loss="categorical_crossentropy")
    return rounded, tuple(f"{layer.name} ({type(layer).__name__})" for layer in left)


def take_weights(plain: Any, rounded: Any) -> None:
    """Give the net the weights of its rounded copy, batch normalisation's statistics too."""
    by_name = {variable.name: variable for variable in rounded.variables}
    for variable in plain.variables:
        variable.assign(by_name[variable.name])


def _can_be_rounded(layer: Any) -> bool:
    import tensorflow_model_optimization as tfmot

    layers = _import_keras().layers
    # tfmot knows batch normalisation as a part of the convolution before it.
    known = isinstance(layer, layers.InputLayer | layers.BatchNormalization)
    return known or bool(tfmot.quantization.keras.default_8bit.Default8BitQuantizeRegistry().supports(layer))


def _no_rounding() -> Any:
    from tensorflow_model_optimization.python.core.quantization.keras.default_8bit import (
        default_8bit_quantize_configs as configs,
    )

    return configs.NoOpQuantizeConfig()


def _settle(rounded: Any, inputs: FloatArray) -> None:
    """Start each range at what the net shows on ``inputs``.

    tfmot starts all at -6…6 and moves them by 0.1 % a step: for epochs the net would learn to live in ranges that its
    int8 file does not have. One step tells what it moves towards; a layer's range is right once those before are.
    """
    ranges = [v for v in rounded.non_trainable_variables if _is_range(v.name)]
    others = [(v, v.numpy()) for v in rounded.variables if not _is_range(v.name)]
    for _ in range(SETTLING_PASSES):
        before = [v.numpy() for v in ranges]
        rounded(inputs, training=True)
        for variable, old in zip(ranges, before, strict=True):
            variable.assign(old + (variable.numpy() - old) / (1 - EMA_KEPT))
    for variable, old in others:
        variable.assign(old)


def _is_range(name: str) -> bool:
    # The ranges of kernels and of the net's input follow at once what they see.
    follows_slowly = "kernel" not in name and not name.startswith("quantize_layer")
    return name.endswith(("_min:0", "_max:0")) and follows_slowly


def _settling_inputs(recipe: Recipe, samples: Samples, seed: int) -> FloatArray:
    chosen = np.random.default_rng([seed, 0]).permutation(len(samples))[:SETTLING_SAMPLES]
    return recipe.front_end.inputs(samples.take(chosen))


def _one_epoch(rounded: Any, teacher: Any, batches: Iterator[TrainingBatch]) -> float:
    """The mean loss of an epoch. Raises ``AffectdError`` if it is no number."""
    losses = [
        float(rounded.train_on_batch(inputs, teacher(inputs, training=False)))
        for inputs, _ in track(batches, "training, rounded", transient=True)
    ]
    loss = float(np.mean(losses))
    if not np.isfinite(loss):
        raise AffectdError(f"the loss is {loss}; the run it started from is as it was")
    return loss


def _import_keras() -> Any:
    import tf_keras

    return tf_keras
