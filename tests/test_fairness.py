"""Are men and women read as well? Actors, not clips, are what chance deals with."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from corpora import VOICES
from perception import MODELS
from studies import run_command
from synthetic import voices, write_clips

from device.errors import AffectdError
from quantize.commands import studies
from quantize.datasets import Dataset, DatasetError, Samples, Split, find_dataset
from quantize.datasets.common import only_a_test
from quantize.studies.fairness import Fairness, Sex, compare_sexes, score_fairness, sexes_of
from quantize.studies.pooled import SampleProbs, open_cases, pooled_samples

MODEL = MODELS / "baseline-speech.tflite"
MEN = {f"man {i:02d}": Sex.MALE for i in range(12)}
WOMEN = {f"woman {i:02d}": Sex.FEMALE for i in range(12)}


def alone(samples: Samples, _: Path) -> Split:
    return only_a_test(samples, "made up")


def figures(shares: Mapping[str, float], sexes: Mapping[str, Sex], *, each: int = 70, unread: int = 0) -> Fairness:
    """Of made-up answers: so large a share of each actor's clips right, the first ``unread`` of each without one."""
    rng = np.random.default_rng(4)
    labels = np.tile(np.arange(each, dtype=np.int64) % 7, len(shares))
    right = np.concatenate([rng.permutation(each) < share * each for share in shares.values()])
    groups = [actor for actor in shares for _ in range(each)]
    samples = Samples([str(i) for i in range(len(groups))], [np.zeros(0)] * len(groups), labels, groups)
    read = np.tile(np.arange(each) >= unread, len(shares))
    probs = np.eye(7, dtype=np.float32)[np.where(right, labels, (labels + 1) % 7)]
    return compare_sexes([], samples, SampleProbs(probs, read), sexes)


def skilled(sexes: Mapping[str, Sex], share: float, *, spread: float = 0.08, seed: int = 1) -> dict[str, float]:
    rng = np.random.default_rng(seed)
    return {actor: float(np.clip(rng.normal(share, spread), 0, 1)) for actor in sexes}


def test_men_who_are_read_better_by_20_points_are_found_to_be() -> None:
    result = figures(skilled(MEN, 0.7) | skilled(WOMEN, 0.5, seed=2), MEN | WOMEN)
    women, men = result.by_sex
    assert (women.sex, women.actors, women.samples) == ("female", 12, 840)
    assert men.accuracy.value > women.accuracy.value
    for gap in (result.accuracy_gap, result.uar_gap):
        assert gap is not None
        assert gap.difference.value == pytest.approx(0.2, abs=0.06)
        assert gap.difference.low is not None
        assert gap.difference.low > 0.05
        assert gap.p < 0.005


@pytest.mark.slow
def test_where_sex_makes_no_difference_it_is_seldom_found_to() -> None:
    found = []
    for seed in range(25):
        shares = skilled(MEN, 0.6, seed=seed) | skilled(WOMEN, 0.6, seed=seed + 100)
        gap = figures(shares, MEN | WOMEN, each=14).accuracy_gap
        assert gap is not None
        found.append(gap.p < 0.05)
    assert np.mean(found) < 0.2


def test_one_man_who_is_never_understood_says_little_of_men() -> None:
    shares = {**dict.fromkeys(MEN, 0.6), **dict.fromkeys(WOMEN, 0.6), "man 03": 0.0}
    gap = figures(shares, MEN | WOMEN).accuracy_gap
    assert gap is not None
    assert gap.difference.value == pytest.approx(-0.05)
    assert gap.p > 0.9


def test_of_two_men_and_two_women_no_gap_is_beyond_chance() -> None:
    sexes = dict([*MEN.items()][:2] + [*WOMEN.items()][:2])
    gap = figures(dict(zip(sexes, (1.0, 0.9, 0.1, 0.0), strict=True)), sexes).accuracy_gap
    assert gap is not None
    assert gap.p == pytest.approx(2 / 6, abs=0.02)  # two of the six ways to deal the sexes out


def test_corpora_of_one_sex_have_figures_but_no_gap() -> None:
    result = figures(skilled(WOMEN, 0.5), WOMEN)
    assert [own.sex for own in result.by_sex] == [Sex.FEMALE]
    assert (result.accuracy_gap, result.uar_gap) == (None, None)


def test_one_man_has_a_figure_but_no_interval() -> None:
    result = figures({"man 00": 0.5, **skilled(WOMEN, 0.5)}, MEN | WOMEN)
    man = result.by_sex[1]
    assert (man.accuracy.value, man.accuracy.low, man.uar.high) == (0.5, None, None)
    assert result.accuracy_gap is not None
    assert result.accuracy_gap.difference.low is None


def test_what_was_not_read_is_counted_and_is_not_right() -> None:
    result = figures(dict.fromkeys(MEN, 1.0), MEN, unread=14)
    (men,) = result.by_sex
    assert (men.samples, men.without_reading) == (840, 168)
    assert men.accuracy.value == pytest.approx(0.8)
    assert {(own.samples, own.without_reading, own.accuracy) for own in result.actors} == {(70, 14, 0.8)}


def test_the_same_answers_give_the_same_figures() -> None:
    shares = skilled(MEN, 0.7) | skilled(WOMEN, 0.5)
    assert figures(shares, MEN | WOMEN) == figures(shares, MEN | WOMEN)


@pytest.mark.parametrize("name", ["ravdess", "tess", "nemo", "crema_d"])
def test_every_speaker_of_the_corpora_has_a_known_sex(name: str, shared_data: Path) -> None:
    dataset = find_dataset(name, "speech")
    speakers = set(dataset.split(shared_data).test.groups)
    assert speakers
    assert speakers <= set(sexes_of(dataset, shared_data))


@pytest.mark.parametrize(
    ("name", "female", "male"), [("ravdess", 12, 12), ("tess", 2, 0), ("nemo", 4, 5), ("emodb", 5, 5)]
)
def test_sexes_are_those_that_the_authors_state(name: str, female: int, male: int, tmp_path: Path) -> None:
    sexes = list(sexes_of(find_dataset(name, "speech"), tmp_path).values())
    assert (sexes.count(Sex.FEMALE), sexes.count(Sex.MALE)) == (female, male)


def test_crema_ds_own_table_says_it(shared_data: Path, tmp_path: Path) -> None:
    dataset = find_dataset("crema_d", "speech")
    sexes = list(sexes_of(dataset, shared_data).values())
    assert (sexes.count(Sex.FEMALE), sexes.count(Sex.MALE)) == (43, 48)
    with pytest.raises(DatasetError, match=r"VideoDemographics\.csv, which says who is a man, is not there"):
        sexes_of(dataset, tmp_path)
    (tmp_path / "VideoDemographics.csv").write_text("ActorID,Sex\n1001,unknown\n")
    with pytest.raises(DatasetError, match="not CREMA-D's table of actors"):
        sexes_of(dataset, tmp_path)


def test_parts_of_a_corpus_are_pooled_unless_somebody_is_in_two() -> None:
    split = voices(each=1)
    bob, carol = (Dataset(s.groups[0], "speech", "", partial(alone, s)) for s in (split.validation, split.test))
    samples = pooled_samples(open_cases([(MODEL, bob), (MODEL, carol)], Path()))
    assert samples.groups == ["bob"] * 7 + ["carol"] * 7
    with pytest.raises(DatasetError, match="bob is in bob and in bob; name disjoint data sets"):
        open_cases([(MODEL, bob), (MODEL, bob)], Path())


@pytest.mark.slow
def test_a_speaker_whose_sex_nobody_knows_is_named(tmp_path: Path) -> None:
    root = write_clips(tmp_path, ["EB0_anger_1.wav", "ZZ9_anger_1.wav", *VOICES["nemo"]])
    nemo = find_dataset("nemo", "speech")
    with pytest.raises(DatasetError, match="which sex ZZ9 is"):
        score_fairness(open_cases([(MODEL, nemo)], root), sexes_of(nemo, root))


def fairness(root: Path, *options: str) -> dict[str, Any]:
    run_command(studies, [*options, "--root", str(root), "--json", str(root / "out" / "figures.json")], "fairness")
    result: dict[str, Any] = json.loads((root / "out" / "figures.json").read_text())
    return result


def pairs(*names: str) -> Sequence[str]:
    return [word for name in names for word in ("--model", str(MODEL), "--dataset", name)]


@pytest.mark.slow
def test_the_command_writes_the_figures_and_shows_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = fairness(write_clips(tmp_path, VOICES["nemo"]), *pairs("nemo"))
    assert [(own["sex"], own["actors"]) for own in result["by_sex"]] == [("female", 1), ("male", 1)]
    (part,) = result["parts"]
    assert (part["dataset"], part["samples"], len(part["sha256"])) == ("nemo", result["samples"], 64)
    assert 0 <= result["accuracy_gap"]["p"] <= 1
    assert "men minus women" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (pairs("nemo", "tess"), "different corpora"),
        ([*pairs("nemo"), "--model", str(MODEL)], "2 models on 1 data sets; name one --dataset for each --model"),
        (pairs("folder"), "folder does not say who is a man"),
        (["--model", str(MODELS / "baseline-face.tflite")], "fer2013 does not say who is a man"),
        (["--model", str(MODELS / "nothing.tflite")], "nothing.tflite: there is no such model file"),
    ],
)
def test_what_cannot_be_compared_is_an_error(options: Sequence[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match=message):
        fairness(tmp_path, *options)


@pytest.mark.slow
def test_where_the_figures_cannot_be_written_it_says_so(tmp_path: Path) -> None:
    root = write_clips(tmp_path, VOICES["nemo"])
    (root / "out").write_text("in the way")
    with pytest.raises(AffectdError, match="choose another --json"):
        fairness(root, *pairs("nemo"))
