"""Training recipes of the face nets: every number of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from quantize.augment.faces import GENTLE, ROUGH
from quantize.datasets import FER2013, FERPLUS
from quantize.datasets.fer2013_votes import FER2013_VOTES
from quantize.inputs import front_ends
from quantize.training import architectures
from quantize.training.architectures import cross_entropy_of_answers
from quantize.training.batches import PerSampleAugment, ProgressiveResizing, Stage
from quantize.training.ema import Interpolate
from quantize.training.head_fit import AdjustLogits, FitHead
from quantize.training.recipe import INTENDED_USE, Recipe

FACE_LIMITS = (
    "Trained on pictures from web searches, with labels that people agree with in about 65 %. It reads an "
    "expression, not what somebody feels. Weak on disgust, fear and sadness; dim light, a turned head, glasses and "
    "masks make it worse. How it does by age, sex and skin tone has not been measured: the corpus does not tell them."
)

BASELINE_FACE = Recipe(
    id="baseline-face",
    description="Emotion of one face: 48×48 grey, four 3×3 convolutions (32, 32, 64, 64), each pooled, "
    "dense 256 and 128, softmax over 7",
    dataset=FER2013,
    scored_on=(FER2013, FERPLUS),
    front_end=front_ends.FACE,
    architecture=architectures.baseline_face,
    optimizer=lambda keras: keras.optimizers.Adam(1e-3),
    loss="sparse_categorical_crossentropy",
    plan=PerSampleAugment(front_ends.FACE, batch_size=64, oversample=False),
    epochs=50,
    heads=("fer2013",),
    patience=10,
    summary="Adam 1e-3, batch 64, at most 50 epochs, stopped after 10 without a better PublicTest accuracy; "
    "mirrored, and cropped up to 4 pixels off",
    intended_use=INTENDED_USE,
    limits=FACE_LIMITS,
)

_FACE_STEPS = 446
"""Whole batches in an epoch of 28,558 faces."""


def _descent(*peaks: float, epochs: Sequence[int]) -> Callable[[Any], Any]:
    """SGD whose rate goes up to each peak in 1.5 epochs and down to 0 by a cosine, so many epochs each."""

    def optimizer(keras: Any) -> Any:
        from quantize.training.schedules import WarmupCosineRestarts

        steps = [_FACE_STEPS * each for each in epochs]
        rate = WarmupCosineRestarts(peaks=peaks, steps=steps, warm_up_steps=3 * _FACE_STEPS // 2)
        return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)

    return optimizer


_TOLD_OF_FACES = (
    "one answer aims at the FER+ votes, the other half at the smoothed label and half at what the votes make likely "
    "(fitted on Training alone); SGD, Nesterov momentum 0.9, weight decay 1e-4, batch 64, up in 1.5 epochs and down to "
    "0 by a cosine; mirrored, turned to 8°, sized to 8 %, lit, a quarter partly erased, or varied half as much and a "
    "tenth partly erased; a running mean of the weights (0.999 a step) answers; the last epoch"
)

AFFECTD_1_FACE_SHALLOW = Recipe(
    id="affectd-1-face-shallow",
    description="What affectd-1-face grows from: it lacks three of its blocks",
    dataset=FER2013_VOTES,
    scored_on=(FER2013, FERPLUS),
    front_end=front_ends.FACE,
    architecture=architectures.shallow_affectd_face,
    optimizer=_descent(0.05, 0.03, epochs=(62, 60)),
    loss=cross_entropy_of_answers,
    plan=ProgressiveResizing(
        batch_size=64, stages=(Stage(40, 48), Stage(48, 14), Stage(40, 48, GENTLE), Stage(48, 12, GENTLE))
    ),
    epochs=122,
    summary=f"{_TOLD_OF_FACES}; up to 0.05: pieces of 40 px for 48 epochs, whole faces for 14; then to 0.03, varied "
    "half "
    "as much: 48 and 12 epochs",
    intended_use=INTENDED_USE,
    limits=FACE_LIMITS,
    heads=architectures.FACE_HEADS,
    ema_decay=0.999,
    is_shipped=False,
    progressive_resizing=True,
    fits_temperature=True,
)

AFFECTD_1_FACE_DEEPER = replace(
    AFFECTD_1_FACE_SHALLOW,
    id="affectd-1-face-deeper",
    description="What affectd-1-face grows from: it lacks two of its blocks, and the gates",
    architecture=architectures.deeper_affectd_face,
    initial_from=AFFECTD_1_FACE_SHALLOW,
    optimizer=_descent(0.025, epochs=(16,)),
    plan=ProgressiveResizing(batch_size=64, stages=(Stage(48, 10), Stage(48, 6, GENTLE))),
    epochs=16,
    summary=f"{AFFECTD_1_FACE_SHALLOW.summary}; then three blocks more, which at first change nothing, up to 0.025 "
    "(the file "
    "shipped: down in ten epochs as if for twenty, then as for sixteen): whole faces for 10 epochs, and varied half as "
    "much for 6",
)

AFFECTD_1_FACE_GATED = replace(
    AFFECTD_1_FACE_DEEPER,
    id="affectd-1-face-gated",
    description="What affectd-1-face grows from: the same net before it has learnt from itself",
    architecture=architectures.affectd_face,
    initial_from=AFFECTD_1_FACE_DEEPER,
    optimizer=_descent(0.04, epochs=(40,)),
    plan=ProgressiveResizing(batch_size=64, stages=(Stage(48, 31), Stage(48, 9, GENTLE))),
    epochs=40,
    summary=f"{AFFECTD_1_FACE_DEEPER.summary}; then two blocks and nine gates more, up to 0.04: 31 and 9 epochs",
)

AFFECTD_1_FACE = replace(
    AFFECTD_1_FACE_GATED,
    id="affectd-1-face",
    description="Emotion of one face: 48×48 grey, a 3×3 convolution (16), nine residual blocks (32, 64, 128, 160) with "
    "batch normalisation and squeeze-and-excitation, the first of each width halves the side, mean over the picture, "
    "two softmax over 7: as ten people saw the face (FER+), and as FER2013 labels it",
    initial_from=AFFECTD_1_FACE_GATED,
    distillation_weight=0.5,
    optimizer=_descent(0.03, epochs=(28,)),
    plan=ProgressiveResizing(batch_size=64, stages=(Stage(48, 21, ROUGH, mixed_share=0.5), Stage(48, 7, GENTLE))),
    epochs=28,
    # Half of the shares: on PublicTest more than that costs accuracy, and less gains less UAR.
    finish=(Interpolate(0.5), FitHead("fer2013", ridge=0.025), AdjustLogits("fer2013", 0.5)),
    # Of shares from 0 to 5e-4, what moves the answers to PublicTest least.
    calibration_tail=1e-5,
    summary=f"{AFFECTD_1_FACE_GATED.summary}; then half at the targets and half at what it now answers to each face "
    "and its "
    "mirror image, up to 0.03: 21 epochs, three faces in ten blurred, noise in all, in half of the batches two faces "
    "over each other, and 7 varied half as much; then half the way back to the weights from before; then the fer2013 "
    "answer fitted anew to the labels (ridge 0.025), half of the logarithms of the classes' shares taken from it; int8 "
    "ranges may leave out one value in 100,000 of what a layer gives, at each end",
    is_shipped=True,
)
