"""Whether a net knows how sure it may be, and how far off it seems by chance."""

import numpy as np
import pytest

from quantize.evaluation.reliability import ReliabilityBin, error, error_by_chance, reliability


def honest(samples: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Answers of a net that is right exactly as often as it says, and the labels."""
    rng = np.random.default_rng(seed)
    sure = rng.uniform(1 / 3, 1, samples)
    probs = np.zeros((samples, 7), dtype=np.float32)
    probs[:, 0], probs[:, 1:] = sure, ((1 - sure) / 6)[:, np.newaxis]
    return probs, np.where(rng.random(samples) < sure, 0, 1)


def test_the_error_is_the_distance_from_the_diagonal_by_how_many_answers_there_are() -> None:
    assert error([ReliabilityBin(30, 0.5, 0.6), ReliabilityBin(10, 0.9, 0.5)]) == pytest.approx(0.175)


@pytest.mark.parametrize("samples", [300, 3000])
def test_the_error_by_chance_is_what_honest_nets_show(samples: int) -> None:
    shown = [error(reliability(*honest(samples, seed))) for seed in range(40)]
    assert error_by_chance(reliability(*honest(samples))) == pytest.approx(np.mean(shown), rel=0.1)


def test_the_fewer_the_answers_the_more_is_chance_and_one_that_is_always_right_has_none() -> None:
    few, many = (error_by_chance(reliability(*honest(samples))) for samples in (100, 10_000))
    assert few > 5 * many
    assert error_by_chance([ReliabilityBin(20, 1.0, 1.0)]) == 0
