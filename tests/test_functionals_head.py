"""A regression on relative functionals, of corpora that do not have the same classes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from perception import blocks
from quiet import QUIET_TENSORFLOW
from scipy.special import softmax
from synthetic import voices

from desktop_server.analysis.analyzer import Analyzer
from desktop_server.analysis.live import LiveAnalysis
from desktop_server.analysis.model_variant import ModelVariant
from desktop_server.analysis.object_pool import ObjectPool
from desktop_server.wiring.variants import SettingsFusionFactory
from device.arrays import FloatArray, LabelArray
from device.config.settings import Settings
from device.features.relative_voice import FEATURE_VERSION
from device.models.card import read_card
from device.models.sets import load_set, models_folder
from device.models.speech_emotion import SpeechRecogniser
from device.models.tflite import TfliteModel
from device.readings import Estimate, Modality, Reading
from device.signals import SAMPLE_RATE_HZ
from quantize.conversion.graph import read_graph
from quantize.conversion.release import release
from quantize.datasets import RAVDESS, Samples, Split
from quantize.datasets.voices import FIVE_WHOLE, of_corpus
from quantize.evaluation.evaluate import evaluate, open_model, outputs
from quantize.inputs.preprocess import preprocess, preprocess_for_training
from quantize.recipes.registry import RECIPES
from quantize.recipes.speech import AFFECTD_2_SPEECH
from quantize.training.batches import BalancedSampler
from quantize.training.functionals_head import FitFunctionals, classes_of_corpora
from quantize.training.functionals_takes import TAKES, FunctionalsLibrary
from quantize.training.prosody_head import regression
from quantize.training.train import train

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

RNG = np.random.default_rng(1)


def samples(labels: LabelArray, *corpora: str) -> Samples:
    names = [f"{corpus}/{number}" for number, corpus in enumerate(corpora)]
    return Samples(names, [np.zeros(1)] * len(names), labels, list(names))


def test_a_corpus_has_the_classes_of_its_own_samples() -> None:
    found = classes_of_corpora(samples(np.array([0, 3, 3, 6]), "a", "a", "b", "b"))
    assert found.tolist() == [[c in own for c in range(7)] for own in ((0, 3), (0, 3), (3, 6), (3, 6))]


def test_what_tells_a_corpus_is_no_cue_for_the_classes_that_another_lacks() -> None:
    labels = np.concatenate([np.arange(210) % 7, np.arange(210) % 2])
    corpora = ["all"] * 210 + ["two"] * 210
    rows: FloatArray = np.zeros((420, 1, 3), dtype=np.float32)
    rows[:, 0, 0] = labels == 0
    rows[:210, 0, 1] = 1.0  # the room of the corpus that has all classes
    rows[:, 0, 2] = RNG.normal(size=420)
    possible = classes_of_corpora(samples(labels, *corpora))
    masked = regression(rows, labels, np.ones(420), 0.005, possible=possible)
    plain = regression(rows, labels, np.ones(420), 0.005)
    elsewhere = np.array([0.0, 0.0, 0.0, 1.0])
    assert softmax(elsewhere @ plain)[2:].sum() < 0.4
    assert softmax(elsewhere @ masked)[2:].sum() > 0.65
    assert (rows[:210, 0] @ masked[:-1] + masked[-1]).argmax(axis=1)[labels[:210] == 0].tolist() == [0] * 30


def corpora() -> Split:
    split = voices(each=2)
    train, validation, test = (of_corpus("ravdess", part) for part in (split.train, split.validation, split.test))
    return replace(split, train=train, validation=validation, test=test, clean=test)


def test_takes_are_of_speakers_each_in_a_room_of_its_own_and_are_made_once() -> None:
    split, library = preprocess_for_training(AFFECTD_2_SPEECH.front_end, corpora()), FunctionalsLibrary()
    noise: NDArray[np.int16] = RNG.normal(0, 300, 16_000).astype(np.int16)
    rows = library.takes_of(split.train, [noise])
    assert rows.shape == (len(split.train), TAKES, 40)
    np.testing.assert_array_equal(rows[:, 0], AFFECTD_2_SPEECH.front_end.inputs(split.train)[:, 128, :, 0])
    assert all(np.any(rows[:, take] != rows[:, 0]) for take in range(1, TAKES))
    np.testing.assert_array_equal(FunctionalsLibrary().takes_of(split.train, [noise]), rows)
    np.testing.assert_array_equal(library.takes_of(split.train, []), rows)  # known, so not made anew


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Split]:
    """The folder of a net of the recipe, trained for two steps and converted."""
    folder, split = tmp_path_factory.mktemp("voice"), corpora()
    (head,) = AFFECTD_2_SPEECH.finish
    assert isinstance(head, FitFunctionals)
    recipe = replace(
        AFFECTD_2_SPEECH,
        plan=BalancedSampler(batch_size=7, steps=2, shares={"ravdess": 1.0}, clean_share=0.3, smoothing=0.05),
        finish=(replace(head, library=FunctionalsLibrary()),),
    )
    run = folder / "run"
    train(recipe, preprocess_for_training(recipe.front_end, split), run, seed=1, epochs=1)
    release(recipe, lambda _: split, trained=run, run=run, calibration_path=folder / "pinned.json", folder=folder)
    return folder / "affectd-2-speech.tflite", split


def readings(path: Path, *clips: NDArray[np.int16]) -> list[Reading]:
    """What an appliance with the file reads of the clips, one after the other."""
    recognise = SpeechRecogniser(TfliteModel(read_card(path.with_suffix(".json")), path.parent))
    found = [reading for block in blocks(np.concatenate(clips)) if (reading := recognise(block))]
    last = recognise.finish()
    return [*found, last] if last else found


def test_the_recipe_goes_from_voices_to_an_int8_file_to_figures(made: tuple[Path, Split]) -> None:
    path, split = made
    assert read_graph(path.read_bytes(), "speech").is_integer
    assert read_card(path.with_suffix(".json")).features == FEATURE_VERSION
    assert json.loads(path.with_suffix(".json").read_text())["id"] == "affectd-2-speech"
    report = evaluate(path, RAVDESS, split)
    heard = preprocess(AFFECTD_2_SPEECH.front_end, split.test, "test")
    assert report.test.samples == len(heard) == 14
    model = open_model(path)
    by_order = outputs(model, AFFECTD_2_SPEECH.front_end, heard)
    turned = outputs(model, AFFECTD_2_SPEECH.front_end, heard.take(range(len(heard) - 1, -1, -1)))
    np.testing.assert_array_equal(by_order, turned[::-1])


def test_a_replay_is_causal_and_comes_out_the_same_again(made: tuple[Path, Split]) -> None:
    path, split = made
    clips = split.test.signals[:4]
    whole, again, beginning = readings(path, *clips), readings(path, *clips), readings(path, *clips[:3])
    assert len(whole) > len(beginning) >= 3
    assert whole == again
    assert whole[: len(beginning) - 1] == beginning[:-1]


def test_two_clients_of_a_server_share_a_net_and_no_reference(made: tuple[Path, Split]) -> None:
    path, split = made
    shipped = load_set(models_folder())
    for card in (shipped.card(Modality.FACE), shipped.detector):
        shutil.copy(shipped.folder / card.file, path.parent)
    own = {Modality.FACE: shipped.card(Modality.FACE), Modality.SPEECH: read_card(path.with_suffix(".json"))}
    models = replace(shipped, models=own, folder=path.parent)
    variant = ModelVariant("int8", "litert", models, ObjectPool(lambda: Analyzer(models, TfliteModel), 1))
    fusions = SettingsFusionFactory(Settings(), models)

    def client() -> LiveAnalysis:
        return LiveAnalysis([variant], fusions, rule=models.rule, rate_hz=SAMPLE_RATE_HZ)

    first, second, alone = client(), client(), client()
    mine, theirs = (np.concatenate([split.test.signals[i] for i in chosen]) for chosen in ((4, 5, 6), (0, 1, 2)))
    told: list[tuple[Estimate, ...]] = []
    for at in range(0, len(theirs), SAMPLE_RATE_HZ):
        ns = at * 1_000_000_000 // SAMPLE_RATE_HZ
        first.add_sound(ns, mine[at : at + SAMPLE_RATE_HZ])
        told.append(second.add_sound(ns, theirs[at : at + SAMPLE_RATE_HZ]).estimates)
        assert told[-1] == alone.add_sound(ns, theirs[at : at + SAMPLE_RATE_HZ]).estimates
    assert any(told)


def test_there_is_a_net_without_each_fold_and_each_corpus_to_bear_out_its_figures() -> None:
    own = {name.removeprefix("affectd-2-speech-") for name in RECIPES if name.startswith("affectd-2-speech-")}
    assert own == {"f0", "f1", "f2", "f4", *(f"without-{name}" for name in FIVE_WHOLE)}
    assert set(FIVE_WHOLE) == {"tess", "nemo", "emovo", "turev", "rakshak"}
