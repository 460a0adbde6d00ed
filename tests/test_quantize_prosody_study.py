"""What prosody is to count: every way scored on what was left out, and chosen without what is scored."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from studies import run_command
from synthetic import voices as hummed

from device.errors import AffectdError
from quantize.commands import prosody
from quantize.datasets import Samples
from quantize.prosody_study import LeftOut, Trial, Voices, Way, choice, chosen, trials_of
from quantize.recipe import ProsodyFit
from quantize.takes import TakeLibrary, prosodies

MODELS = Path(__file__).resolve().parents[1] / "models_tflite"
PLAN = ProsodyFit(TakeLibrary(), {"ravdess": 0.25, "tess": 0.5, "nemo": 0.25}, ridge=0.3, strength=2.5)
LABELS = np.tile(np.arange(7), 30)
CORPORA: NDArray[np.str_] = np.repeat(["ravdess", "tess", "nemo"], 70)


def voices() -> Voices:
    """Of three corpora; prosody tells the classes in TESS and nEMO and nothing in RAVDESS."""
    names = [f"{corpus}/{number}" for number, corpus in enumerate(CORPORA)]
    samples = Samples(names, [np.zeros(1)] * len(names), LABELS, [f"{corpus}/a" for corpus in CORPORA])
    rows = np.random.default_rng(1).normal(0, 0.3, (len(LABELS), 2, 40)).astype(np.float32)
    rows[CORPORA != "ravdess", :, :7] += np.eye(7)[LABELS[CORPORA != "ravdess"]][:, np.newaxis]
    return Voices(samples, rows)


def part(corpus: str) -> LeftOut:
    """A net whose spectra are sure and right in RAVDESS, and sure and wrong elsewhere."""
    is_own = np.char.equal(CORPORA, corpus)
    is_asked = is_own if corpus == "ravdess" else is_own & np.isin(LABELS, (0, 3, 4, 5))
    said = LABELS[is_asked] if corpus == "ravdess" else (LABELS[is_asked] + 1) % 7
    return LeftOut(corpus, is_own, is_asked, 1.5 * np.eye(7)[said])


@pytest.fixture(scope="module")
def trials() -> list[Trial]:
    return list(trials_of(voices(), [part(corpus) for corpus in ("ravdess", "tess", "nemo")], PLAN))


def test_the_surer_prosody_is_the_better_corpora_are_read_that_only_it_knows(trials: list[Trial]) -> None:
    firm = [trial for trial in trials if (trial.way.shares, trial.way.ridge) == (PLAN.shares, 0.05)]
    own = {trial.way.strength: trial.scores for trial in firm}
    assert own[0.0]["ravdess"] == 1.0
    assert own[0.0]["tess"] < 0.3 < 0.8 < own[5.0]["tess"]
    assert own[5.0]["ravdess"] < 1.0


def test_the_way_that_ships_is_among_them_and_none_is_there_twice(trials: list[Trial]) -> None:
    ways = [trial.way for trial in trials]
    assert Way(PLAN.shares, PLAN.ridge, PLAN.strength) in ways
    assert all(ways.count(way) == 1 for way in ways)


def test_what_was_left_out_does_not_say_how_it_is_read() -> None:
    honest = voices()
    turned = replace(honest.samples, labels=np.where(CORPORA == "nemo", (LABELS + 3) % 7, LABELS))
    is_nemo = CORPORA == "nemo"
    found = honest.regression_without(is_nemo, PLAN.shares, 0.1)
    contrary = Voices(turned, honest.prosody)
    np.testing.assert_array_equal(found, contrary.regression_without(is_nemo, PLAN.shares, 0.1))
    others = [own.regression_without(CORPORA == "tess", PLAN.shares, 0.1) for own in (honest, contrary)]
    assert not np.allclose(others[0], others[1], atol=0.1)


def test_a_corpus_has_no_say_in_the_way_that_it_is_scored_with() -> None:
    ways = [Way(PLAN.shares, 0.1, strength) for strength in (1.0, 4.0)]
    scores = ({"ravdess": 0.7, "tess": 0.6, "nemo": 0.3}, {"ravdess": 0.6, "tess": 0.6, "nemo": 0.9})
    made = [Trial(way, own) for way, own in zip(ways, scores, strict=True)]
    assert chosen(made, ("ravdess", "tess", "nemo")) is made[1]
    own = choice("nemo", ("ravdess", "tess"), made, voices(), [part(corpus) for corpus in ("ravdess", "tess", "nemo")])
    assert own.trial is made[0]
    assert own.scores.samples == 40
    assert set(own.scores.classes) == {"angry", "happy", "neutral", "sad"}


def test_a_told_class_is_never_one_that_the_corpus_lacks() -> None:
    scores = part("tess").scores(voices(), np.zeros((41, 7)), 0.0)
    answered = np.flatnonzero(np.sum(scores.confusion, axis=0))
    assert set(answered) <= {0, 3, 4, 5}


def test_prosody_alone_is_what_the_takes_have_of_it() -> None:
    samples = hummed(each=1).train.take([1, 4])
    noise = np.random.default_rng(2).normal(0, 500, 8_000).astype(np.int16)
    np.testing.assert_array_equal(prosodies(samples, [noise]), TakeLibrary().takes_of(samples, [noise]).prosody)


def test_without_nets_that_were_trained_without_it_says_which_are_needed(tmp_path: Path) -> None:
    asked = ["--model", str(MODELS / "affectd-1-speech.tflite"), "--root", str(tmp_path)]
    with pytest.raises(AffectdError, match="lacks nets like affectd-1-speech without a fold"):
        run_command(prosody, [*asked, "--witnesses", str(tmp_path), "--json", str(tmp_path / "out.json")])
