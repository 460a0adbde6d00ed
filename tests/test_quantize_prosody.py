"""What prosody is to count: every strength scored on what was left out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax
from studies import run_command
from synthetic import voices as hummed

from device.errors import AffectdError
from device.features.mel import FRAMES
from device.models.card import Card, read_card
from quantize.augment.copies import CopyLibrary
from quantize.commands import studies
from quantize.datasets import Samples
from quantize.datasets.ravdess import FOLDS
from quantize.inputs.front_ends import PROSODIC_SPEECH
from quantize.studies.prosody import left_out, regression_without, scores_of_net, spectral_logits
from quantize.training.prosody_head import FitProsody

pytestmark = pytest.mark.slow

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"
PLAN = FitProsody(CopyLibrary(), {"ravdess": 0.25, "tess": 0.5, "nemo": 0.25}, ridge=0.05, strength=2.5)
LABELS = np.tile(np.arange(7), 30)
CORPORA: NDArray[np.str_] = np.repeat(["ravdess", "tess", "nemo"], 70)


def voices() -> tuple[Samples, NDArray[np.float32]]:
    """Of three corpora; prosody tells the classes in TESS and nEMO and nothing in RAVDESS."""
    names = [f"{corpus}/{number}" for number, corpus in enumerate(CORPORA)]
    groups = [f"{corpus}/Actor_{FOLDS[0][0]:02d}" for corpus in CORPORA]
    rows = np.random.default_rng(1).normal(0, 0.3, (len(LABELS), 2, 40)).astype(np.float32)
    rows[CORPORA != "ravdess", :, :7] += np.eye(7)[LABELS[CORPORA != "ravdess"]][:, np.newaxis]
    return Samples(names, [np.zeros(1)] * len(names), LABELS, groups), rows


def saying(shift: int) -> Callable[[Samples], NDArray[np.float64]]:
    """The logits of a net that is sure of the class so many places after the one that is right."""
    return lambda asked: 1.5 * np.eye(7)[(asked.labels + shift) % 7]


def test_the_surer_prosody_is_the_better_corpora_are_read_that_only_it_knows() -> None:
    of_fold = scores_of_net("f0", saying(0), *voices(), PLAN)
    of_corpus = scores_of_net("tess", saying(1), *voices(), PLAN)
    assert list(of_fold) == [0.0, 1.0, 2.0, 2.5, 3.0, 4.0, 5.0]  # the one that ships is among them
    assert of_fold[0.0] == 1.0
    assert of_corpus[0.0] < 0.3 < 0.8 < of_corpus[5.0]
    assert of_fold[5.0] < 1.0


def test_what_was_left_out_does_not_say_how_it_is_read() -> None:
    samples, rows = voices()
    labels = np.where(np.char.equal(CORPORA, "nemo"), np.array((3, 1, 2, 5, 0, 4, 6))[LABELS], LABELS)
    contrary = replace(samples, labels=labels)
    is_nemo, is_tess = (np.char.equal(CORPORA, corpus) for corpus in ("nemo", "tess"))
    found = [regression_without(is_nemo, own, rows, PLAN) for own in (samples, contrary)]
    np.testing.assert_array_equal(found[0], found[1])
    others = [regression_without(is_tess, own, rows, PLAN) for own in (samples, contrary)]
    assert not np.allclose(others[0], others[1], atol=0.1)


def test_a_told_class_is_never_one_that_the_corpus_lacks() -> None:
    def surest_of_disgust(asked: Samples) -> NDArray[np.float64]:
        return np.asarray(50 * np.eye(7)[asked.labels] + 90 * np.eye(7)[1])

    assert scores_of_net("tess", surest_of_disgust, *voices(), PLAN)[0.0] == 1.0


@pytest.mark.parametrize("net", ["f0", "f3", "tess", "nemo"])
def test_a_net_is_asked_only_about_what_it_was_trained_without(net: str) -> None:
    names = [*(f"ravdess/{i}" for i in range(24)), *(f"tess/{i}" for i in range(7)), *(f"nemo/{i}" for i in range(7))]
    groups = [*(f"ravdess/Actor_{i + 1:02d}" for i in range(24)), *("tess/OAF",) * 7, *("nemo/SK0",) * 7]
    labels = np.array([*np.arange(24) % 7, *range(7), *range(7)])
    is_left_out, is_asked = left_out(net, Samples(names, [np.zeros(1)] * len(names), labels, groups))
    assert not (is_asked & ~is_left_out).any()
    gone = {groups[i] for i in np.flatnonzero(is_left_out)}
    if net in ("tess", "nemo"):
        assert {group.partition("/")[0] for group in gone} == {net}
        assert sorted(labels[is_asked]) == [0, 3, 4, 5]
    else:
        assert gone == {f"ravdess/Actor_{actor:02d}" for actor in FOLDS[int(net[1:])]}
        np.testing.assert_array_equal(is_asked, is_left_out)


@dataclass(frozen=True)
class ByHand:
    """A net of which everything is known: the loudest bands say one thing, and prosody is added."""

    card: Card
    weights: NDArray[np.float64]

    def __call__(self, *inputs: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        (values,) = inputs
        spectra = values[:FRAMES, :7, 0].mean(axis=0)
        logits = spectra + values[FRAMES, :, 0] @ self.weights[:-1] + self.weights[-1]
        return (softmax(logits[np.newaxis], axis=1).astype(np.float32),)


def test_spectra_less_the_constant_and_the_regression_are_what_the_net_says() -> None:
    weights = np.random.default_rng(3).normal(0, 0.1, (41, 7))
    net = ByHand(read_card(MODELS / "affectd-1-speech.json"), weights)
    samples = hummed(each=1).train
    rows = CopyLibrary().prosody_of(samples, [np.zeros(8_000, dtype=np.int16)])
    spectra = spectral_logits(net, PROSODIC_SPEECH, samples) - weights[-1]
    put_together = softmax(spectra + rows[:, 0] @ weights[:-1] + weights[-1], axis=1)
    said = np.concatenate([net(PROSODIC_SPEECH.served(signal))[0] for signal in samples.signals])
    np.testing.assert_allclose(put_together, said, atol=1e-5)
    assert np.abs(said - softmax(spectra, axis=1)).max() > 0.05  # prosody says something here


def test_the_strength_that_ships_scores_in_the_study_what_its_files_score() -> None:
    measured = MODELS.parent / "docs/measured"
    study = json.loads((measured / "prosody-affectd-1-speech.json").read_text(encoding="utf-8"))
    (found,) = (at["scores"] for at in study["strengths"] if at["strength"] == study["shipped"])
    for corpus in ("tess", "nemo"):
        name = f"scores-affectd-1-speech-without-{corpus}-{corpus}.json"
        of_file = json.loads((measured / name).read_text(encoding="utf-8"))["told"]["uar"]["value"]
        assert found[corpus] == pytest.approx(of_file, abs=0.02)


def test_without_nets_that_were_trained_without_it_says_which_are_needed(tmp_path: Path) -> None:
    asked = ["--model", str(MODELS / "affectd-1-speech.tflite"), "--root", str(tmp_path)]
    with pytest.raises(AffectdError, match="lacks nets like affectd-1-speech without a fold"):
        run_command(
            studies, [*asked, "--cross-validation", str(tmp_path), "--json", str(tmp_path / "out.json")], "prosody"
        )


def test_a_net_that_does_not_hear_prosody_is_told_so(tmp_path: Path) -> None:
    asked = ["--model", str(MODELS / "baseline-speech.tflite"), "--root", str(tmp_path)]
    with pytest.raises(AffectdError, match="baseline-speech does not hear prosody"):
        run_command(studies, [*asked, "--json", str(tmp_path / "out.json")], "prosody")
