"""How each net is made: what it is called, trained on and trained with. A new model is one more entry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from device.errors import AffectdError
from quantize import architectures, inputs
from quantize.courses import BalancedVoices, GrowingFaces, OneByOne, Plan, Stage
from quantize.datasets import FER2013, FERPLUS, RAVDESS, RAVDESS_FOLDS, TEST_FOLD, Dataset
from quantize.datasets.fer2013_votes import FER2013_VOTES
from quantize.datasets.voices import WHOLE, without_corpus, without_fold
from quantize.face_variation import GENTLE
from quantize.inputs import FrontEnd
from quantize.losses import cross_entropy_of_answers


@dataclass(frozen=True, slots=True)
class Refit:
    """Which answer's last layer is fitted anew after training (``quantize.refit``), with which ridge.

    ``prior_strength`` is how much of the classes' shares is taken from it then (``quantize.priors``).
    """

    answer: str
    ridge: float
    prior_strength: float


@dataclass(frozen=True, slots=True)
class Recipe:
    """One model's making.

    ``answers`` are what the net gives, the served one first. ``scored_on`` are the corpora whose test
    parts the card tells of, and on whose validation parts temperatures are fitted if they are to be. ``plan`` is how
    the training part is gone through. ``patience`` is the number of epochs without a better validation accuracy after
    which training stops and the best epoch's net is kept; without it all epochs are trained and the last one's is.
    ``averaging`` is what a step keeps of the running mean of the weights that answers; without it the net itself does.
    A net that is not ``is_shipped`` is kept beside this package, to bear out figures.
    With ``pictures_grow`` the net is trained on pictures of several sizes. The texts go into the card.
    """

    id: str
    description: str
    dataset: Dataset
    scored_on: tuple[Dataset, ...]
    front_end: FrontEnd
    architecture: Callable[[Any], Any]
    optimizer: Callable[[Any], Any]
    loss: str | Callable[[Any, Any], Any]
    plan: Plan
    epochs: int
    told: str
    intended_use: str
    limits: str
    answers: tuple[str, ...] = ("acted",)
    patience: int | None = None
    averaging: float | None = None
    refit: Refit | None = None
    is_shipped: bool = True
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
    loss="sparse_categorical_crossentropy",
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
    loss="sparse_categorical_crossentropy",
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

_STRONG_FACES = (Stage(40, 48), Stage(48, 14))
_GENTLE_FACES = (Stage(40, 48, GENTLE), Stage(48, 12, GENTLE))
_FACES = GrowingFaces(batch_size=64, stages=(*_STRONG_FACES, *_GENTLE_FACES))
_FACE_STEPS = 446
"""Whole batches in an epoch of 28,558 faces."""
_FACE_CYCLES = tuple(sum(stage.epochs for stage in cycle) for cycle in (_STRONG_FACES, _GENTLE_FACES))


def _face_optimizer(keras: Any) -> Any:
    from quantize.schedules import Cycles

    steps = [_FACE_STEPS * epochs for epochs in _FACE_CYCLES]
    rate = Cycles(peaks=(0.05, 0.03), steps=steps, warm_up_steps=3 * _FACE_STEPS // 2)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)


AFFECTD_1_FACE = Recipe(
    id="affectd-1-face",
    description="Emotion of one face: 48×48 grey, a 3×3 convolution (16), four residual blocks (32, 64, 128, 160) with "
    "batch normalisation, each of half the side, mean over the picture, two softmax over 7: as ten people saw the face "
    "(FER+; this one is served), and as FER2013 labels it",
    dataset=FER2013_VOTES,
    scored_on=(FER2013, FERPLUS),
    front_end=inputs.FACE,
    architecture=architectures.affectd_face,
    optimizer=_face_optimizer,
    loss=cross_entropy_of_answers,
    plan=_FACES,
    epochs=sum(_FACE_CYCLES),
    told="one answer aims at the FER+ votes, the other half at the smoothed label and half at what the votes make "
    "likely (fitted on Training alone); SGD, Nesterov momentum 0.9, weight decay 1e-4, batch 64, twice up in 1.5 "
    "epochs and down to 0 by a cosine; first to 0.05: pieces of 40 px for 48 epochs, whole faces for 14, mirrored, "
    "turned to 8°, sized to 8 %, lit, a quarter partly erased; then to 0.03: 48 and 12 epochs, varied half as much, a "
    "tenth partly erased; a running mean of the weights (0.999 a step) answers; the last epoch; then the fer2013 "
    "answer fitted anew to the labels (ridge 0.025), half of the logarithms of the classes' shares taken from it",
    intended_use=INTENDED_USE,
    limits=FACE_LIMITS,
    answers=architectures.FACE_ANSWERS,
    averaging=0.999,
    # Half: on PublicTest more than that costs accuracy, and less gains less UAR.
    refit=Refit("fer2013", ridge=0.025, prior_strength=0.5),
    pictures_grow=True,
    fits_temperature=True,
)

_VOICES = BalancedVoices(
    batch_size=32,
    steps=300,
    shares={"ravdess": 0.6, "tess": 0.15, "nemo": 0.25},
    clean_share=0.3,
    smoothing=0.05,
)
_SPEECH_EPOCHS = 15
_SPEECH_WARM_UP_STEPS = _VOICES.steps // 2

AFFECTD_1_SPEECH = Recipe(
    id="affectd-1-speech",
    description="Emotion of a voice: log energies in 40 mel bands × 128 frames (3 s), the bands as channels; a "
    "convolution over 5 moments and two residual blocks over 3, 128 channels, with batch normalisation, mean and "
    "maximum over time, softmax over 7",
    dataset=without_fold(TEST_FOLD),
    scored_on=(RAVDESS_FOLDS[TEST_FOLD],),
    front_end=inputs.LOG_MEL_SPEECH,
    architecture=architectures.affectd_speech,
    optimizer=lambda keras: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            0.0,
            _SPEECH_EPOCHS * _VOICES.steps - _SPEECH_WARM_UP_STEPS,
            warmup_target=4e-3,
            warmup_steps=_SPEECH_WARM_UP_STEPS,
        ),
        clipnorm=5.0,
    ),
    loss="categorical_crossentropy",
    plan=_VOICES,
    epochs=_SPEECH_EPOCHS,
    told="Adam up to 4e-3 in half an epoch and down to 0 by a cosine, gradients cut at norm 5, batch 32, epochs of 300 "
    "steps, in each 60 % RAVDESS, 25 % nEMO and 15 % TESS, all classes of a corpus alike, labels smoothed by 0.05; "
    "30 % as recorded, else at other speeds (0.87 to 1.15), in rooms (0.1 to 0.5 s), over noises (3 to 30 dB) of the "
    "training half; random pieces, tempo, vocal tract, microphone and masks anew each time; a running mean of the "
    "weights (0.99 a step) answers; the last epoch",
    intended_use=INTENDED_USE,
    limits="Trained on actors: 19 North American ones with two sentences, two Canadian women with single words, nine "
    "Polish ones. In a corpus that it was not trained on it names few emotions right (the report says how few). On "
    "spontaneous speech, children, far microphones and in noise it will do worse than here.",
    averaging=0.99,
)

SPEECH_FOLDS = tuple(
    replace(
        AFFECTD_1_SPEECH,
        id=f"affectd-1-speech-f{fold}",
        dataset=without_fold(fold),
        scored_on=(RAVDESS_FOLDS[fold],),
        is_shipped=False,
    )
    for fold in range(len(RAVDESS_FOLDS))
    if fold != TEST_FOLD
)
"""The same net without the actors of the other folds: with the shipped one, what a figure for all 24 is made of."""

SPEECH_WITHOUT = tuple(
    replace(
        AFFECTD_1_SPEECH,
        id=f"affectd-1-speech-without-{name}",
        dataset=without_corpus(name),
        scored_on=(corpus,),
        is_shipped=False,
    )
    for name, corpus in WHOLE.items()
)
"""The same net without a corpus: what it is worth in a world that it has not heard."""

RECIPES = {
    recipe.id: recipe
    for recipe in (BASELINE_FACE, BASELINE_SPEECH, AFFECTD_1_FACE, AFFECTD_1_SPEECH, *SPEECH_FOLDS, *SPEECH_WITHOUT)
}


def find_recipe(name: str) -> Recipe:
    """The recipe called ``name``. Raises ``AffectdError`` that lists those there are."""
    try:
        return RECIPES[name]
    except KeyError as error:
        raise AffectdError(f"no model is called {name!r}; there are {', '.join(RECIPES)}") from error
