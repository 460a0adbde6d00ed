import numpy as np
import pytest
from numpy.typing import NDArray
from quiet import QUIET_TENSORFLOW

from quantize.courses import GrowingFaces, Stage
from quantize.face_variation import GENTLE, STRONG, FaceVariation, Strength

pytestmark = QUIET_TENSORFLOW

SPOT = np.zeros((48, 48), dtype=np.uint8)
SPOT[20:28, 4:12] = 255
GREY = np.full((48, 48), 128, dtype=np.uint8)


def varied(image: NDArray[np.uint8], count: int, *, side: int = 48, seed: int = 1) -> NDArray[np.float32]:
    faces = FaceVariation([image])(np.zeros(count, dtype=np.int64), side_px=side, seed=(seed, 0))
    return np.asarray(faces.numpy(), dtype=np.float32)


@pytest.mark.parametrize("side", [32, 40, 48])
def test_varied_faces_have_the_side_they_are_asked_for_and_stay_between_0_and_1(side: int) -> None:
    faces = varied(SPOT, 20, side=side)
    assert faces.shape == (20, side, side, 1)
    assert 0 <= faces.min() <= faces.max() <= 1


def test_variation_in_the_graph_repeats_with_its_seed_and_changes_with_it() -> None:
    once, again, other = (varied(SPOT, 4, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_half_of_the_faces_are_mirrored_and_the_spot_stays_at_its_height() -> None:
    faces = varied(SPOT, 200)[..., 0]
    is_left = faces[:, :, :24].mean(axis=(1, 2)) > faces[:, :, 24:].mean(axis=(1, 2))
    assert 70 < is_left.sum() < 130
    assert (faces.mean(axis=(0, 2)).argmax() - 24) ** 2 < 9


def test_a_small_piece_is_cut_from_anywhere_and_keeps_its_size() -> None:
    mean = varied(SPOT, 400, side=40)[..., 0].mean(axis=0)
    assert mean[12:28].max() > 2 * mean[:6].max()
    assert np.median((varied(SPOT, 200, side=40) > 0.6).sum(axis=(1, 2, 3))) == pytest.approx(64, abs=16)


def test_some_faces_are_lit_brighter_and_some_darker() -> None:
    middles = np.median(varied(GREY, 100), axis=(1, 2, 3))
    assert middles.min() < 0.42 < 0.58 < middles.max()


def test_pictures_grow_by_stage_and_stay_at_the_last() -> None:
    plan = GrowingFaces(batch_size=4, stages=(Stage(32, 2), Stage(40, 1), Stage(48, 1)))
    assert [plan.stage(epoch).side_px for epoch in range(1, 7)] == [32, 32, 40, 48, 48, 48]


def test_a_gentle_variation_moves_and_lights_less_than_a_strong_one() -> None:
    def spread(strength: Strength) -> float:
        faces = FaceVariation([GREY])(np.zeros(100, dtype=np.int64), side_px=48, seed=(1, 0), strength=strength)
        return float(np.median(faces.numpy(), axis=(1, 2, 3)).std())

    assert spread(GENTLE) < 0.6 * spread(STRONG)


def test_each_stage_has_its_own_strength() -> None:
    plan = GrowingFaces(batch_size=4, stages=(Stage(40, 2), Stage(40, 1, GENTLE)))
    assert [plan.stage(epoch).strength for epoch in (2, 3, 4)] == [STRONG, GENTLE, GENTLE]
