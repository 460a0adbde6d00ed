"""How each net is made: what it is called, trained on and trained with. A new model is one more entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.errors import AffectdError
from quantize import architectures, inputs
from quantize.courses import GrowingFaces, OneByOne, Plan, Stage
from quantize.datasets import FER2013, FERPLUS, RAVDESS, Dataset
from quantize.datasets.fer2013_votes import FER2013_VOTES
from quantize.inputs import FrontEnd


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model's making.

    ``answers`` are what the net gives, the served one first. ``scored_on`` are the corpora whose test
    parts the card tells of, and on whose validation parts temperatures are fitted if they are to be. ``plan`` is how
    the training part is gone through. ``patience`` is the number of epochs without a better validation accuracy after
    which training stops and the best epoch's net is kept; without it all epochs are trained and the last one's is.
    ``averaging`` is what a step keeps of the running mean of the weights that answers; without it the net itself does.
    With ``pictures_grow`` the net is trained on pictures of several sizes. The texts go into the card.
    """

    id: str
    description: str
    dataset: Dataset
    scored_on: tuple[Dataset, ...]
    front_end: FrontEnd
    architecture: Callable[[Any], Any]
    optimizer: Callable[[Any], Any]
    plan: Plan
    epochs: int
    told: str
    intended_use: str
    limits: str
    answers: tuple[str, ...] = ("acted",)
    patience: int | None = None
    averaging: float | None = None
    pictures_grow: bool = False
    fits_temperature: bool = False

    def answer_number(self, name: str) -> int:
        """Which of the answers has this name; the served one where none has."""
        return self.answers.index(name) if name in self.answers else 0


INTENDED_USE = (
    "Research on emotion estimation on small devices, at home, with the consent of those seen and heard. "
    "Not for decisions about people, and not where the law forbids it (in the EU: at work and in schools)."
)

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
    front_end=inputs.FACE,
    architecture=architectures.baseline_face,
    optimizer=lambda keras: keras.optimizers.Adam(1e-3),
    plan=OneByOne(inputs.FACE, batch_size=64, oversample=False),
    epochs=50,
    answers=("fer2013",),
    patience=10,
    told="Adam 1e-3, batch 64, at most 50 epochs, stopped after 10 without a better PublicTest accuracy; "
    "mirrored, and cropped up to 4 pixels off",
    intended_use=INTENDED_USE,
    limits=FACE_LIMITS,
)

BASELINE_SPEECH = Recipe(
    id="baseline-speech",
    description="Emotion of a voice: 40 MFCC × 128 frames (3 s), two 3×3 convolutions (64, 128), each pooled, "
    "bidirectional LSTM 128, dense 128 and 64, softmax over 7",
    dataset=RAVDESS,
    scored_on=(RAVDESS,),
    front_end=inputs.SPEECH,
    architecture=architectures.baseline_speech,
    # 960 steps are about the 24 epochs; without the decay the validation accuracy jumps by 10 points between epochs.
    optimizer=lambda keras: keras.optimizers.RMSprop(keras.optimizers.schedules.CosineDecay(1e-3, 960)),
    plan=OneByOne(inputs.SPEECH, batch_size=32, oversample=True),
    epochs=24,
    patience=10,
    told="RMSprop from 1e-3 down to 0 by a cosine, batch 32, at most 24 epochs, stopped after 10 without a better "
    "validation accuracy; rare classes repeated; random pieces of the voiced stretch, white noise, gain, masks in time "
    "and coefficient",
    intended_use=INTENDED_USE,
    limits="Trained on 15 actors, all North American, who play emotions in two English sentences in a studio. On "
    "spontaneous speech, other languages, children, far microphones and in noise it will do much worse than here.",
)

_FACES = GrowingFaces(batch_size=64, stages=(Stage(40, 48), Stage(48, 14)))
_FACE_EPOCHS = sum(stage.epochs for stage in _FACES.stages)
_FACE_STEPS = 446
"""Whole batches in an epoch of 28,558 faces."""
_WARM_UP_STEPS = 3 * _FACE_STEPS // 2

AFFECTD_1_FACE = Recipe(
    id="affectd-1-face",
    description="Emotion of one face: 48×48 grey, a 3×3 convolution (16), four residual blocks (32, 64, 128, 160) with "
    "batch normalisation, each of half the side, mean over the picture, two softmax over 7: as ten people saw the face "
    "(FER+; this one is served), and as FER2013 labels it",
    dataset=FER2013_VOTES,
    scored_on=(FER2013, FERPLUS),
    front_end=inputs.FACE,
    architecture=architectures.affectd_face,
    optimizer=lambda keras: keras.optimizers.SGD(
        keras.optimizers.schedules.CosineDecay(
            0.0,
            _FACE_EPOCHS * _FACE_STEPS - _WARM_UP_STEPS,
            warmup_target=0.05,
            warmup_steps=_WARM_UP_STEPS,
        ),
        momentum=0.9,
        nesterov=True,
    ),
    plan=_FACES,
    epochs=_FACE_EPOCHS,
    told="one answer aims at the FER+ votes, the other half at the smoothed label and half at what the votes make "
    "likely (fitted on Training alone); SGD, Nesterov momentum 0.9, up to 0.05 in 1.5 epochs and down to 0 by a "
    "cosine, weight decay 1e-4, batch 64; pieces of 40 px for 48 epochs, whole faces for 14, mirrored, turned to 8°, "
    "sized to 8 %, lit, a quarter partly erased; a running mean of the weights (0.999 a step) answers; the last epoch",
    intended_use=INTENDED_USE,
    limits=FACE_LIMITS,
    answers=architectures.FACE_ANSWERS,
    averaging=0.999,
    pictures_grow=True,
    fits_temperature=True,
)

RECIPES = {recipe.id: recipe for recipe in (BASELINE_FACE, BASELINE_SPEECH, AFFECTD_1_FACE)}


def find_recipe(name: str) -> Recipe:
    """The recipe called ``name``. Raises ``AffectdError`` that lists those there are."""
    try:
        return RECIPES[name]
    except KeyError as error:
        raise AffectdError(f"no model is called {name!r}; there are {', '.join(RECIPES)}") from error
