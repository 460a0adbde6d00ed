"""What prosody is to count: every way scored on what was left out, and chosen without what is scored."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from studies import run_command
from synthetic import voices as hummed

from device.errors import AffectdError
from device.features.mel import FRAMES
from device.models.card import Card, read_card
from quantize.commands import prosody
from quantize.datasets import Samples
from quantize.datasets.ravdess import FOLDS
from quantize.inputs import PROSODIC_SPEECH
from quantize.logistic import softmax
from quantize.prosody_study import choices, trials_of
from quantize.prosody_voices import LeftOut, Voices, left_out, spectral_logits
from quantize.prosody_ways import Fit, Trial, Way, chosen
from quantize.takes import TakeLibrary, prosodies

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"
OWN = Way(Fit({"ravdess": 0.25, "tess": 0.5, "nemo": 0.25}, 0.3), 2.5)
LABELS = np.tile(np.arange(7), 30)
CORPORA: NDArray[np.str_] = np.repeat(["ravdess", "tess", "nemo"], 70)


def voices() -> Voices:
    """Of three corpora; prosody tells the classes in TESS and nEMO and nothing in RAVDESS."""
    names = [f"{corpus}/{number}" for number, corpus in enumerate(CORPORA)]
    samples = Samples(names, [np.zeros(1)] * len(names), LABELS, [f"{corpus}/a" for corpus in CORPORA])
    rows = np.random.default_rng(1).normal(0, 0.3, (len(LABELS), 2, 40)).astype(np.float32)
    rows[CORPORA != "ravdess", :, :7] += np.eye(7)[LABELS[CORPORA != "ravdess"]][:, np.newaxis]
    return Voices(samples, rows)


def with_other_nemo() -> Voices:
    """The same, but of nEMO with other labels."""
    honest = voices()
    labels = np.where(np.char.equal(CORPORA, "nemo"), np.array((3, 1, 2, 5, 0, 4, 6))[LABELS], LABELS)
    return Voices(replace(honest.samples, labels=labels), honest.prosody)


def chosen_without_nemo(by: Sequence[str]) -> Way:
    """The best way where nEMO is in no regression at all."""
    whole = voices()
    is_other = ~np.char.equal(CORPORA, "nemo")
    others = Voices(whole.samples.where(is_other), whole.prosody[is_other])
    parts = [part(corpus) for corpus in ("ravdess", "tess")]
    cut = [replace(own, is_left_out=own.is_left_out[is_other], is_asked=own.is_asked[is_other]) for own in parts]
    return chosen(list(trials_of(others, cut, OWN)), by).way


def part(corpus: str) -> LeftOut:
    """A net whose spectra are sure and right in RAVDESS, and sure and wrong elsewhere."""
    is_own = np.char.equal(CORPORA, corpus)
    is_asked = is_own if corpus == "ravdess" else is_own & np.isin(LABELS, (0, 3, 4, 5))
    said = LABELS[is_asked] if corpus == "ravdess" else (LABELS[is_asked] + 1) % 7
    return LeftOut(corpus, is_own, is_asked, 1.5 * np.eye(7)[said])


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    return list(trials_of(voices(), [part(corpus) for corpus in ("ravdess", "tess", "nemo")], OWN))


def test_the_surer_prosody_is_the_better_corpora_are_read_that_only_it_knows(trials: list[Trial]) -> None:
    own = {trial.way.strength: trial.scores for trial in trials if trial.way.fit == Fit(OWN.fit.shares, 0.05)}
    assert own[0.0]["ravdess"] == 1.0
    assert own[0.0]["tess"] < 0.3 < 0.8 < own[5.0]["tess"]
    assert own[5.0]["ravdess"] < 1.0


def test_the_way_that_ships_is_among_them_and_none_is_there_twice(trials: list[Trial]) -> None:
    ways = [trial.way for trial in trials]
    assert OWN in ways
    assert all(ways.count(way) == 1 for way in ways)


def test_what_was_left_out_does_not_say_how_it_is_read() -> None:
    honest, contrary, is_nemo = voices(), with_other_nemo(), np.char.equal(CORPORA, "nemo")
    fit = Fit(OWN.fit.shares, 0.1)
    found = honest.regression_without(is_nemo, fit)
    np.testing.assert_array_equal(found, contrary.regression_without(is_nemo, fit))
    is_tess = np.char.equal(CORPORA, "tess")
    others = [own.regression_without(is_tess, fit) for own in (honest, contrary)]
    assert not np.allclose(others[0], others[1], atol=0.1)


def test_a_corpus_has_no_say_in_the_way_that_it_is_scored_with() -> None:
    parts = [part(corpus) for corpus in ("ravdess", "tess", "nemo")]
    honest, contrary = (list(choices("nemo", own, parts, OWN)) for own in (voices(), with_other_nemo()))
    assert [own.chosen_by for own in honest] == [("ravdess", "tess"), ("tess",)]
    assert [own.trial for own in honest] == [own.trial for own in contrary]  # whatever its labels are
    assert [own.scores.uar for own in honest] != [own.scores.uar for own in contrary]
    for own in honest:
        assert set(own.trial.scores) == {"ravdess", "tess"}
        assert own.trial.way == chosen_without_nemo(own.chosen_by)
        assert own.scores.samples == 40
        assert set(own.scores.classes) == {"angry", "happy", "neutral", "sad"}


def test_of_equal_trials_the_best_mean_is_taken() -> None:
    ways = [Way(OWN.fit, strength) for strength in (1.0, 4.0)]
    scores = ({"ravdess": 0.7, "tess": 0.6, "nemo": 0.3}, {"ravdess": 0.6, "tess": 0.6, "nemo": 0.9})
    made = [Trial(way, own) for way, own in zip(ways, scores, strict=True)]
    assert chosen(made, ("ravdess", "tess", "nemo")) is made[1]
    assert chosen(made, ("ravdess", "tess")) is made[0]


def test_a_told_class_is_never_one_that_the_corpus_lacks() -> None:
    scores = part("tess").scores(voices(), np.zeros((41, 7)), 0.0)
    answered = np.flatnonzero(np.sum(scores.confusion, axis=0))
    assert set(answered) <= {0, 3, 4, 5}


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

    def __call__(self, values: NDArray[np.float32], /) -> tuple[NDArray[np.float32], ...]:
        spectra = values[:FRAMES, :7, 0].mean(axis=0)
        logits = spectra + values[FRAMES, :, 0] @ self.weights[:-1] + self.weights[-1]
        return (softmax(logits[np.newaxis]).astype(np.float32),)


def test_spectra_less_the_constant_and_the_regression_are_what_the_net_says() -> None:
    weights = np.random.default_rng(3).normal(0, 0.1, (41, 7))
    net = ByHand(read_card(MODELS / "affectd-1-speech.json"), weights)
    samples = hummed(each=1).train
    rows = prosodies(samples, [np.zeros(8_000, dtype=np.int16)])
    every = np.ones(len(samples), dtype=bool)
    spectra = spectral_logits(net, PROSODIC_SPEECH, samples) - weights[-1]
    put_together = softmax(spectra + Voices(samples, rows).logits(every, weights))
    said = np.concatenate([net(PROSODIC_SPEECH.served(signal))[0] for signal in samples.signals])
    np.testing.assert_allclose(put_together, said, atol=1e-5)
    assert np.abs(said - softmax(spectra)).max() > 0.05  # prosody says something here


def test_the_way_that_ships_scores_in_the_study_what_its_files_score() -> None:
    measured = MODELS.parent / "docs/measured"
    found = json.loads((measured / "prosody-affectd-1-speech.json").read_text(encoding="utf-8"))["shipped"]["scores"]
    for corpus in ("tess", "nemo"):
        name = f"scores-affectd-1-speech-without-{corpus}-{corpus}.json"
        of_file = json.loads((measured / name).read_text(encoding="utf-8"))["told"]["uar"]["value"]
        assert found[corpus] == pytest.approx(of_file, abs=0.02)


def test_prosody_alone_is_what_the_takes_have_of_it() -> None:
    samples = hummed(each=1).train.take([1, 4])
    noise = np.random.default_rng(2).normal(0, 500, 8_000).astype(np.int16)
    np.testing.assert_array_equal(prosodies(samples, [noise]), TakeLibrary().takes_of(samples, [noise]).prosody)


def test_without_nets_that_were_trained_without_it_says_which_are_needed(tmp_path: Path) -> None:
    asked = ["--model", str(MODELS / "affectd-1-speech.tflite"), "--root", str(tmp_path)]
    with pytest.raises(AffectdError, match="lacks nets like affectd-1-speech without a fold"):
        run_command(prosody, [*asked, "--witnesses", str(tmp_path), "--json", str(tmp_path / "out.json")])


def test_a_net_that_does_not_hear_prosody_is_told_so(tmp_path: Path) -> None:
    asked = ["--model", str(MODELS / "baseline-speech.tflite"), "--root", str(tmp_path)]
    with pytest.raises(AffectdError, match="baseline-speech does not hear prosody"):
        run_command(prosody, [*asked, "--json", str(tmp_path / "out.json")])
