from pathlib import Path

import numpy as np
import pytest
from synthetic import write_fer2013

from device.readings import EMOTIONS, Emotion
from quantize.datasets import FER2013
from quantize.datasets.fer2013_votes import FER2013_VOTES, SMOOTHING, likely_labels, targets
from quantize.datasets.ferplus import ANSWERS
from quantize.training.architectures import FACE_HEADS

CROWD_ANSWER, LABEL_ANSWER = (FACE_HEADS.index(name) for name in ("crowd", "fer2013"))
HAPPY, SAD = EMOTIONS.index(Emotion.HAPPY), EMOTIONS.index(Emotion.SAD)


def votes(**counts: int) -> list[int]:
    return [counts.get(name, 0) for name in ANSWERS]


SURELY_HAPPY, SURELY_SAD = votes(happiness=10), votes(sadness=10)
TORN = votes(happiness=5, sadness=5)
PEOPLE = np.array([SURELY_HAPPY] * 40 + [SURELY_SAD] * 40 + [TORN] * 20, dtype=np.int64)
LABELS = np.array([HAPPY] * 40 + [SAD] * 40 + [HAPPY, SAD] * 10)


def test_one_answer_aims_at_the_votes_as_they_are() -> None:
    crowd = targets(PEOPLE, LABELS)[:, CROWD_ANSWER]
    assert crowd[0, HAPPY] == 1
    assert crowd[80, [HAPPY, SAD]] == pytest.approx([0.5, 0.5])


def test_the_other_one_leans_from_the_label_to_where_the_votes_are_torn() -> None:
    torn = targets(PEOPLE, LABELS)[80, LABEL_ANSWER]
    assert torn[HAPPY] == pytest.approx(0.5 * (1 - SMOOTHING) + 0.25, abs=0.02)
    assert torn.sum() == pytest.approx(1)


def test_likely_labels_are_distributions() -> None:
    likely = likely_labels(PEOPLE, LABELS)
    np.testing.assert_allclose(likely.sum(axis=1), 1)
    assert likely[0, HAPPY] > 0.98


@pytest.mark.parametrize("says_little", [votes(NF=1, sadness=9), votes(unknown=7, sadness=3), votes(contempt=10)])
def test_where_the_votes_say_too_little_the_label_stands_alone(says_little: list[int]) -> None:
    crowd, label = targets(np.array([*PEOPLE, says_little]), np.append(LABELS, HAPPY))[-1]
    assert label[HAPPY] == pytest.approx(1 - SMOOTHING + SMOOTHING / 7)
    assert crowd.sum() == 0


def test_a_training_face_that_the_taggers_call_none_is_left_out_and_test_faces_stay(tmp_path: Path) -> None:
    folder = write_fer2013(tmp_path)
    plain, voted = FER2013.split(folder), FER2013_VOTES.split(folder)
    assert set(plain.train.names) - set(voted.train.names) == {"fer2013#2"}
    assert list(plain.test.names) == list(voted.test.names)
    assert voted.train.targets is not None
    assert voted.train.targets.shape == (26, 2, 7)


def test_votes_of_test_faces_do_not_reach_the_targets(tmp_path: Path) -> None:
    path = write_fer2013(tmp_path) / "fer2013_ferplus.npz"
    before = FER2013_VOTES.split(tmp_path).train.targets
    arrays = dict(np.load(path))
    arrays["ferplus_votes"][arrays["usage"] > 0] = 1
    np.savez(path, **arrays)
    np.testing.assert_array_equal(FER2013_VOTES.split(tmp_path).train.targets, before)


@pytest.mark.slow
def test_the_real_votes_make_the_label_likely(shared_data: Path) -> None:
    training = FER2013_VOTES.split(shared_data).train
    assert len(training) == 28_558
    assert training.targets is not None
    own = training.targets[np.arange(len(training)), LABEL_ANSWER, training.labels]
    assert own.mean() == pytest.approx(0.74, abs=0.05)
