"""The study of fusion: what it reads, what it fits, and that it measures the rules that ship."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import softmax

from device.fusion.rules import LEARNED, RULES, log_linear
from device.models.card import single_head
from device.models.probabilities import temperature_scaled
from device.readings import MIN_PROBABILITY, Modality
from quantize.datasets import DatasetError
from quantize.datasets.ravdess import FOLDS
from quantize.studies.fusion.apply import fused_rows, powers, raised_to_temperature, temperature
from quantize.studies.fusion.openface import FACE_NETS, OPENFACE_FOLDER, VOICE_NET, PerformanceProbs, performance_probs
from quantize.studies.fusion.performances import calibrated_out_of_fold, paired_up
from quantize.studies.fusion.same_performance import (
    SamePerformance,
    repaired,
    rules_by_performance,
    same_performance,
)
from quantize.studies.fusion.simulated import Answered, simulated
from quantize.studies.fusion.study import fold_files

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
CODES_OF_SEVEN = ("05", "07", "06", "03", "01", "04", "08")
"""RAVDESS's codes in the order of ``EMOTIONS``."""

FloatArray = NDArray[np.float64]


def some_probs(count: int, seed: int, sharpness: float = 2.0) -> tuple[FloatArray, NDArray[np.int64]]:
    """Calibrated answers and labels drawn from them: each label is as likely as its probability says."""
    rng = np.random.default_rng(seed)
    probs = softmax(rng.normal(0, sharpness, (count, 7)), axis=1)
    return probs, np.array([rng.choice(7, p=p) for p in probs])


def logs_of(probs: FloatArray) -> FloatArray:
    return np.log(np.maximum(probs, MIN_PROBABILITY))


def acted(seed: int, clearness: float, takes: int = 1) -> PerformanceProbs:
    """What a net might say of 24 actors who play each emotion ``takes`` times."""
    rng = np.random.default_rng(seed)
    return {
        f"01-{code}-01-01-01-{take:02d}-{actor:02d}": softmax(rng.normal(clearness * np.eye(7)[label], 1.0))
        for actor in range(1, 25)
        for label, code in enumerate(CODES_OF_SEVEN)
        for take in range(takes)
    }


@pytest.fixture(scope="module")
def measured() -> SamePerformance:
    heard = acted(2, clearness=1.2)
    heard.pop(next(iter(heard)))
    seen = paired_up(acted(1, clearness=2.0), heard)
    return same_performance(seen, face="eye", speech="ear", speech_files=(), left_out=1)


def test_what_is_measured_is_what_ships() -> None:
    face, _ = some_probs(50, seed=3)
    speech, _ = some_probs(50, seed=4)
    for power in ({Modality.FACE: 0.7, Modality.SPEECH: 0.4}, {Modality.FACE: 1.0, Modality.SPEECH: 1.0}):
        by_rule = fused_rows([log_linear(power)] * 50, face, speech)
        logs = {Modality.FACE: logs_of(face), Modality.SPEECH: logs_of(speech)}
        by_fit = softmax(sum(power[modality] * logs[modality] for modality in Modality), axis=1)
        np.testing.assert_allclose(by_rule, by_fit, atol=1e-12)


def test_a_temperature_is_applied_as_the_appliance_applies_it() -> None:
    probs, _ = some_probs(20, seed=5)
    one_by_one = [temperature_scaled(row.astype(np.float32), 1.7) for row in probs]
    np.testing.assert_allclose(raised_to_temperature(probs, 1.7), one_by_one, atol=1e-6)


def test_the_temperature_of_a_net_that_is_twice_too_sure_is_two() -> None:
    probs, labels = some_probs(4000, seed=6, sharpness=1.0)
    assert temperature(raised_to_temperature(probs, 0.5), labels) == pytest.approx(2, rel=0.1)


def test_two_independent_witnesses_are_learned_to_count_in_full() -> None:
    rng = np.random.default_rng(7)
    labels = rng.integers(0, 7, 6000)
    # Gaussian evidence of unit variance about a mean of 1 for the truth: its softmax is calibrated.
    face, speech = (softmax(rng.normal(np.eye(7)[labels], 1.0), axis=1) for _ in range(2))
    assert list(powers(face, speech, labels).values()) == pytest.approx([1, 1], abs=0.15)


def test_one_witness_heard_twice_is_learned_to_count_once() -> None:
    probs, labels = some_probs(4000, seed=8)
    assert sum(powers(probs, probs, labels).values()) == pytest.approx(1, abs=0.15)


def test_a_zero_costs_a_temperature_no_more_than_it_costs_a_rule() -> None:
    probs, labels = some_probs(2000, seed=10)
    rounded = np.rint(probs * 256) / 256
    rounded[0] = np.eye(7)[(labels[0] + 1) % 7]  # certain, and wrong
    assert temperature(rounded, labels) == pytest.approx(1, abs=0.15)


def test_nothing_that_scores_a_fold_was_fitted_on_it() -> None:
    raw = paired_up(acted(1, 2.0), acted(2, 1.2))
    _, fits = calibrated_out_of_fold(raw)
    shuffled = raw.labels.copy()
    inside = raw.folds == 2
    shuffled[inside] = np.random.default_rng(1).permutation(shuffled[inside])
    _, others = calibrated_out_of_fold(type(raw)(raw.names, shuffled, raw.actors, raw.folds, raw.face, raw.speech))
    assert fits[2] == others[2]
    assert fits[0] != others[0]


def test_the_learned_rule_of_a_performance_is_that_of_its_fold() -> None:
    performances, fits = calibrated_out_of_fold(paired_up(acted(1, 2.0), acted(2, 1.2)))
    rules = rules_by_performance(performances, fits)
    assert rules.keys() == RULES.keys()
    assert len(set(rules["learned"])) == len(FOLDS)
    own = np.flatnonzero(performances.folds == 3)[0]
    expected = log_linear(fits[3].learned)
    pair = performances.face[[own]], performances.speech[[own]]
    by_fold = fused_rows([rules["learned"][own]], *pair)
    np.testing.assert_array_equal(by_fold, fused_rows([expected], *pair))


@pytest.mark.slow
def test_two_who_see_and_hear_more_than_one_are_scored_so_by_every_rule(measured: SamePerformance) -> None:
    systems = {system.name: system for system in measured.systems}
    assert set(systems) == {"face", "speech", *RULES}
    assert measured.better_single == "face"
    assert (measured.samples, measured.left_out) == (167, 1)
    product = systems["product"]
    assert product.against_better_single is not None
    assert product.against_better_single.accuracy_difference.value > 0.05
    assert product.scores.calibration_error < systems["average"].scores.calibration_error
    assert systems["average"].against_average is None
    assert systems["weighted"].scores == systems["average"].scores, "posteriors have no quality"


def test_the_result_can_be_written(measured: SamePerformance) -> None:
    json.dumps(asdict(measured), allow_nan=False)


def test_eyes_and_ears_that_err_together_look_better_when_paired_at_random() -> None:
    seen = acted(1, 2.0)
    heard = {name: raised_to_temperature(probs[np.newaxis], 1.5)[0] for name, probs in seen.items()}  # the same errors
    performances = paired_up(seen, heard)
    control = repaired(performances, {"product": [RULES["product"]] * len(seen)})
    (product,) = control.rules
    assert product.random_pairs > product.true_pairs + 0.05


def test_faces_and_voices_of_two_corpora_are_paired_by_their_emotion() -> None:
    eye, ear = (
        Answered(name, "0" * 64, single_head(), tuple("abcdefg"), np.arange(7), np.eye(7)) for name in ("eye", "ear")
    )
    result = simulated(eye, ear)
    assert {system.accuracy for system in result.systems} == {1.0}


def test_a_voice_without_any_face_of_its_emotion_is_refused() -> None:
    ear = Answered("ear", "0" * 64, single_head(), tuple("abcdefg"), np.arange(7), np.eye(7))
    with pytest.raises(DatasetError, match="no picture of surprise"):
        simulated(Answered("eye", "0" * 64, single_head(), tuple("abcdef"), np.arange(6), np.eye(7)[:6]), ear)


def write_folds(folder: Path, line: str) -> None:
    for fold in range(len(FOLDS)):
        (folder / f"face_AUbilstm_fold{fold}.csv").write_text(line)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("", r"fold0\.csv: 0 performances"),
        ('01-01-05-01-01-01-02.csv,"[1, 2]"\n', r"fold0\.csv: not the answers of face_AUbilstm"),
        ('01-01-05-01-01-01-02.csv,"[NaN, 1, 1, 1, 1, 1, 1, 1]"\n', r"fold0\.csv: not the answers"),
        ("01-01-05-01-01-01-02.csv\n", r"fold0\.csv: not the answers"),
        ('01-01-05-01-01-01-03.csv,"[1, 1, 1, 1, 1, 1, 1, 1]"\n', "1 of them by actors of another fold"),
    ],
)
def test_answers_that_are_not_those_of_a_fold_are_named(tmp_path: Path, line: str, said: str) -> None:
    (tmp_path / OPENFACE_FOLDER).mkdir(parents=True)
    write_folds(tmp_path / OPENFACE_FOLDER, line)
    with pytest.raises(DatasetError, match=said):
        performance_probs(tmp_path, FACE_NETS[0])


def test_missing_answers_and_missing_nets_are_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"face_AUmlp_fold0\.csv: not there"):
        performance_probs(tmp_path, FACE_NETS[1])
    with pytest.raises(DatasetError, match=r"ours-fK\.tflite is not there; one is needed for each fold"):
        fold_files(tmp_path, Path("ours.tflite"))


def test_the_shipped_net_speaks_for_the_fold_that_it_never_met(tmp_path: Path) -> None:
    for fold in (0, 1, 2, 4):
        (tmp_path / f"ours-f{fold}.tflite").touch()
    shipped = tmp_path / "ours.tflite"
    shipped.touch()
    assert [path.name for path in fold_files(tmp_path, shipped)][2:4] == ["ours-f2.tflite", "ours.tflite"]


def test_a_fold_of_which_nothing_was_heard_is_named() -> None:
    heard = {name: probs for name, probs in acted(2, 1.0).items() if int(name[-2:]) not in FOLDS[4]}
    with pytest.raises(DatasetError, match="fold F4: not one performance"):
        paired_up(acted(1, 1.0), heard)


def test_the_column_orders_are_those_that_agree_with_the_labels(shared_data: Path) -> None:
    for net, at_least in ((FACE_NETS[0], 0.6), (FACE_NETS[1], 0.6), (VOICE_NET, 0.8)):
        told = performance_probs(shared_data, net)
        assert len(told) == 1440
        performances = paired_up(told, told)
        right = performances.face.argmax(axis=1) == performances.labels
        assert right.mean() > at_least


def test_the_shipped_powers_are_the_measured_ones() -> None:
    path = ROOT / "docs" / "measured" / "fusion-affectd-1.json"
    if not path.exists():
        pytest.skip("fusion has not been measured: python -m quantize fusion --root DATA --speech-folds DIR")
    learned = json.loads(path.read_text(encoding="utf-8"))["learned"]
    assert {str(modality): power for modality, power in LEARNED.items()} == learned
