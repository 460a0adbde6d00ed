import numpy as np
import pytest
from numpy.typing import NDArray
from quiet import QUIET_TENSORFLOW

from quantize.augment.faces import GENTLE, ROUGH, STRONG, FaceVariation, Strength
from quantize.datasets import Samples, Split
from quantize.training.batches import ProgressiveResizing, Stage, mixed

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

SPOT = np.zeros((48, 48), dtype=np.uint8)
SPOT[20:28, 4:12] = 255
GREY = np.full((48, 48), 128, dtype=np.uint8)


def varied(
    image: NDArray[np.uint8], count: int, *, side: int = 48, seed: int = 1, strength: Strength = STRONG
) -> NDArray[np.float32]:
    faces = FaceVariation([image])(np.zeros(count, dtype=np.int64), side_px=side, seed=(seed, 0), strength=strength)
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
    plan = ProgressiveResizing(batch_size=4, stages=(Stage(32, 2), Stage(40, 1), Stage(48, 1)))
    assert [plan.stage(epoch).side_px for epoch in range(1, 7)] == [32, 32, 40, 48, 48, 48]


def test_a_gentle_variation_moves_and_lights_less_than_a_strong_one() -> None:
    def spread(strength: Strength) -> float:
        faces = FaceVariation([GREY])(np.zeros(100, dtype=np.int64), side_px=48, seed=(1, 0), strength=strength)
        return float(np.median(faces.numpy(), axis=(1, 2, 3)).std())

    assert spread(GENTLE) < 0.6 * spread(STRONG)


def test_each_stage_has_its_own_strength() -> None:
    plan = ProgressiveResizing(batch_size=4, stages=(Stage(40, 2), Stage(40, 1, GENTLE)))
    assert [plan.stage(epoch).strength for epoch in (2, 3, 4)] == [STRONG, GENTLE, GENTLE]


def test_a_poor_camera_blurs_some_faces_and_adds_noise_to_all() -> None:
    only_blur, only_noise = (
        Strength(0, 0, 0, 0, 0, erased_share=0, blurred_share=share, noise=noise)
        for share, noise in ((0.3, 0), (0, 0.05))
    )
    sharp = varied(SPOT, 300, strength=Strength(0, 0, 0, 0, 0, erased_share=0))
    blurred = varied(SPOT, 300, strength=only_blur)
    is_soft = ((blurred > 0.05) & (blurred < 0.95)).sum(axis=(1, 2, 3)) > 2 * np.median(
        ((sharp > 0.05) & (sharp < 0.95)).sum(axis=(1, 2, 3))
    )
    assert 50 < is_soft.sum() < 110
    np.testing.assert_allclose(blurred.sum(axis=(1, 2, 3)), sharp.sum(axis=(1, 2, 3)), rtol=0.02)
    deviations = varied(GREY, 100, strength=only_noise)[:, 12:36, 12:36].std(axis=(1, 2, 3))
    assert 0 <= deviations.min() < 0.01 < 0.04 < deviations.max() < 0.06


def test_rough_faces_are_strongly_varied_ones_of_a_poor_camera() -> None:
    assert (ROUGH.rotation, ROUGH.erased_share) == (STRONG.rotation, STRONG.erased_share)
    assert ROUGH.blurred_share > 0 < ROUGH.noise


def test_mixed_samples_lie_over_each_other_as_far_as_their_targets_do() -> None:
    values = np.arange(6, dtype=np.float32)
    pictures, targets = mixed(
        (np.repeat(values, 4).reshape(6, 2, 2), np.repeat(values, 14).reshape(6, 2, 7)), np.random.default_rng(1)
    )
    np.testing.assert_allclose(pictures, np.broadcast_to(targets[:, :1, :1], (6, 2, 2)), rtol=1e-6)
    assert not np.array_equal(targets[:, 0, 0], values)
    assert (np.abs(targets[:, 0, 0] - 2.5) <= np.abs(values - 2.5)).all()


def test_a_stage_mixes_so_many_of_its_batches() -> None:
    labels = np.tile(np.arange(7), 80)
    targets = np.repeat(np.eye(7, dtype=np.float32)[labels][:, np.newaxis], 2, axis=1)
    names = [str(i) for i in range(len(labels))]
    samples = Samples(names, [GREY] * len(labels), labels, names, targets)
    split = Split(samples, samples, samples, samples, note="made up")

    def mixed_batches(share: float) -> int:
        course = ProgressiveResizing(batch_size=8, stages=(Stage(48, 1, GENTLE, mixed_share=share),))(split)
        return sum(aims.max(axis=-1).min() < 1 for _, aims in course.epoch(1, np.random.default_rng(1)))

    assert (mixed_batches(0.0), mixed_batches(1.0)) == (0, 70)
    assert 20 < mixed_batches(0.5) < 50
