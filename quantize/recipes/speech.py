"""Training recipes of the speech nets: every number of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from quantize.datasets import RAVDESS, RAVDESS_FOLDS, TEST_FOLD, Dataset
from quantize.datasets.voices import FIVE_WHOLE, WHOLE, without_corpus, without_fold
from quantize.inputs import front_ends
from quantize.training import architectures
from quantize.training.batches import BalancedSampler, PerSampleAugment
from quantize.training.functionals_head import FitFunctionals
from quantize.training.functionals_takes import FunctionalsLibrary
from quantize.training.prosody_head import FitProsody
from quantize.training.recipe import INTENDED_USE, Recipe

BASELINE_SPEECH = Recipe(
    id="baseline-speech",
    description="Emotion of a voice: 40 MFCC × 128 frames (3 s), two 3×3 convolutions (64, 128), each pooled, "
    "bidirectional LSTM 128, dense 128 and 64, softmax over 7",
    dataset=RAVDESS,
    scored_on=(RAVDESS,),
    front_end=front_ends.SPEECH,
    architecture=architectures.baseline_speech,
    # 960 steps are about the 24 epochs; without the decay the validation accuracy jumps by 10 points between epochs.
    optimizer=lambda keras: keras.optimizers.RMSprop(keras.optimizers.schedules.CosineDecay(1e-3, 960)),
    loss="sparse_categorical_crossentropy",
    plan=PerSampleAugment(front_ends.SPEECH, batch_size=32, oversample=True),
    epochs=24,
    patience=10,
    summary="RMSprop from 1e-3 down to 0 by a cosine, batch 32, at most 24 epochs, stopped after 10 without a better "
    "validation accuracy; rare classes repeated; random pieces of the voiced segment, white noise, gain, masks in time "
    "and coefficient",
    intended_use=INTENDED_USE,
    limits="Trained on 15 actors, all North American, who play emotions in two English sentences in a studio. On "
    "spontaneous speech, other languages, children, far microphones and in noise it will do much worse than here.",
)

_VOICES = BalancedSampler(
    batch_size=32,
    steps=300,
    shares={"ravdess": 0.6, "tess": 0.15, "nemo": 0.25},
    clean_share=0.3,
    smoothing=0.05,
)
# Chosen by what becomes of all three: the surer prosody is of itself, the better are unknown corpora read (nEMO, TESS),
# and the worse the actors of RAVDESS.
_PROSODY = FitProsody(
    library=_VOICES.library, shares={"ravdess": 0.1, "tess": 0.6, "nemo": 0.3}, ridge=0.2, strength=3.0
)
_SPEECH_EPOCHS = 15


def _adam(epochs: int, steps: int) -> Callable[[Any], Any]:
    """Warmed up for half an epoch."""
    return lambda keras: keras.optimizers.Adam(
        keras.optimizers.schedules.CosineDecay(
            0.0, epochs * steps - steps // 2, warmup_target=4e-3, warmup_steps=steps // 2
        ),
        clipnorm=5.0,
    )


AFFECTD_1_SPEECH = Recipe(
    id="affectd-1-speech",
    description="Emotion of a voice: log energies in 40 mel bands × 128 frames (3 s), the bands as channels; a "
    "convolution over 5 moments and two residual blocks over 3, 128 channels, with batch normalisation, mean and "
    "maximum over time; added to its logits those of 22 statistics of prosody (pitch, voicing, movement); softmax over "
    "7",
    dataset=without_fold(TEST_FOLD),
    scored_on=(RAVDESS_FOLDS[TEST_FOLD],),
    front_end=front_ends.PROSODIC_SPEECH,
    architecture=architectures.affectd_speech,
    optimizer=_adam(_SPEECH_EPOCHS, _VOICES.steps),
    loss="categorical_crossentropy",
    plan=_VOICES,
    epochs=_SPEECH_EPOCHS,
    summary="Adam up to 4e-3 in half an epoch and down to 0 by a cosine, gradients cut at norm 5, batch 32, epochs of "
    "300 "
    "steps, in each 60 % RAVDESS, 25 % nEMO and 15 % TESS, all classes of a corpus alike, labels smoothed by 0.05; "
    "30 % as recorded, else at other speeds (0.87 to 1.15), in rooms (0.1 to 0.5 s), over noises (3 to 30 dB) of the "
    "training half; random pieces, tempo, vocal tract, microphone and masks anew each time; a running mean of the "
    "weights (0.99 a step) answers; the last epoch; then three times the logits of a regression on prosody, as "
    "recorded and in three copies, 60 % TESS, 30 % nEMO and 10 % RAVDESS (ridge 0.2): all of these numbers were "
    "chosen by what they do to RAVDESS's folds and to corpora that were left out",
    intended_use=INTENDED_USE,
    limits="Trained on actors: 19 North American ones with two sentences, two Canadian women with single words, nine "
    "Polish ones. In a corpus that it was not trained on it names few emotions right (the report says how few). On "
    "spontaneous speech, children, far microphones and in noise it will do worse than here.",
    ema_decay=0.99,
    finish=(_PROSODY,),
)

_VOICES_2 = BalancedSampler(
    batch_size=32,
    steps=400,
    shares={"ravdess": 0.35, "tess": 0.1, "nemo": 0.2, "emovo": 0.15, "turev": 0.1, "rakshak": 0.1},
    clean_share=0.3,
    smoothing=0.05,
)

AFFECTD_2_SPEECH = replace(
    AFFECTD_1_SPEECH,
    id="affectd-2-speech",
    description="Emotion of a voice: log energies in 40 mel bands × 128 frames (3 s), the bands as channels; a "
    "convolution over 5 moments and two residual blocks over 3, 128 channels, with batch normalisation, mean and "
    "maximum over time; added to its logits those of 21 functionals (pitch, voicing, loudness, timbre) less the mean "
    "of the stream's own voices; softmax over 7",
    dataset=without_fold(TEST_FOLD, FIVE_WHOLE),
    front_end=front_ends.RELATIVE_SPEECH,
    optimizer=_adam(_SPEECH_EPOCHS, _VOICES_2.steps),
    plan=_VOICES_2,
    finish=(
        FitFunctionals(
            library=FunctionalsLibrary(), shares=dict.fromkeys(("ravdess", *FIVE_WHOLE), 1.0), ridge=0.005, strength=2.0
        ),
    ),
    summary="Adam up to 4e-3 in 200 steps and down to 0 by a cosine, gradients cut at norm 5, batch 32, epochs of 400 "
    "steps, in each 35 % RAVDESS, 20 % nEMO, 15 % EMOVO and 10 % each TESS, TurEV-DB and Rakshak, all classes of a "
    "corpus alike, labels smoothed by 0.05; 30 % as recorded, else at other speeds (0.87 to 1.15), in rooms (0.1 to "
    "0.5 s), over noises (3 to 30 dB) of the training half; random pieces, tempo, vocal tract, microphone and masks "
    "anew each time; a running mean of the weights (0.99 a step) answers; the last epoch; then twice the logits of a "
    "regression on functionals less what was heard of the speaker before, as recorded and in three copies that have "
    "one speed, room and noise a speaker; all corpora alike, each among the classes that it has (ridge 0.005)",
    limits="Trained on actors of five languages and on commands that 53 people spoke into their own phones. The first "
    "words of a stream are told beside an average neutral voice; two people of one register share one reference. On "
    "spontaneous speech, children, far microphones and in noise it will do worse than here.",
)


def _without_folds(recipe: Recipe, whole: Mapping[str, Dataset]) -> tuple[Recipe, ...]:
    return tuple(
        replace(
            recipe,
            id=f"{recipe.id}-f{fold}",
            dataset=without_fold(fold, whole),
            scored_on=(RAVDESS_FOLDS[fold],),
            is_shipped=False,
        )
        for fold in range(len(RAVDESS_FOLDS))
        if fold != TEST_FOLD
    )


def _without_corpora(recipe: Recipe, whole: Mapping[str, Dataset]) -> tuple[Recipe, ...]:
    return tuple(
        replace(
            recipe,
            id=f"{recipe.id}-without-{name}",
            dataset=without_corpus(name, whole),
            scored_on=(corpus,),
            is_shipped=False,
        )
        for name, corpus in whole.items()
    )


SPEECH_FOLDS = (*_without_folds(AFFECTD_1_SPEECH, WHOLE), *_without_folds(AFFECTD_2_SPEECH, FIVE_WHOLE))
"""The same nets without the actors of the other folds: with the shipped one, what a figure for all 24 is made of."""
SPEECH_WITHOUT = (*_without_corpora(AFFECTD_1_SPEECH, WHOLE), *_without_corpora(AFFECTD_2_SPEECH, FIVE_WHOLE))
"""The same nets without a corpus: what they are worth in a world that they have not heard."""
