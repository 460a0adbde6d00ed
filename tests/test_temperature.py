import numpy as np
import pytest
from numpy.typing import NDArray

from quantize.evaluation.metrics import calibration_error, temperature_scaled_rows
from quantize.evaluation.temperature import MAX_TEMPERATURE, fit_temperature, fitted_temperature

FloatArray = NDArray[np.float32]


def softmax(logits: NDArray[np.float64]) -> FloatArray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float32)


@pytest.fixture(scope="module")
def logits() -> NDArray[np.float64]:
    return np.random.default_rng(1).normal(0, 2, (20_000, 7))


@pytest.fixture(scope="module")
def labels(logits: NDArray[np.float64]) -> NDArray[np.int64]:
    """Drawn as the logits say, so that at temperature 1 they are calibrated."""
    chances = softmax(logits).cumsum(axis=1)
    drawn = (np.random.default_rng(2).random((len(logits), 1)) > chances).sum(axis=1)
    return np.asarray(np.minimum(drawn, 6), dtype=np.int64)


@pytest.mark.parametrize("times", [0.5, 1.0, 2.5])
def test_a_net_too_sure_by_a_factor_gets_that_factor(
    logits: NDArray[np.float64], labels: NDArray[np.int64], times: float
) -> None:
    assert fit_temperature(softmax(times * logits), labels) == pytest.approx(times, rel=0.03)


@pytest.mark.slow
def test_the_fitted_temperature_mends_the_calibration(logits: NDArray[np.float64], labels: NDArray[np.int64]) -> None:
    fitted = fitted_temperature(softmax(2 * logits), softmax(2 * logits), labels)
    assert fitted.calibration_error_before > 0.1
    assert fitted.calibration_error_after < 0.01
    assert fitted.samples == 20_000


@pytest.mark.slow
def test_the_best_class_stays_the_best(logits: NDArray[np.float64]) -> None:
    probs = softmax(logits)
    np.testing.assert_array_equal(temperature_scaled_rows(probs, 2.0).argmax(axis=1), probs.argmax(axis=1))


def test_at_temperature_1_the_answers_are_the_nets_own() -> None:
    int8_answers = np.array([[0.5, 0.25, 0.25, 0.0, 0.0, 0.0, 0.00390625]], dtype=np.float32)
    np.testing.assert_array_equal(temperature_scaled_rows(int8_answers, 1.0), int8_answers)


def test_a_net_that_is_never_right_is_flattened_and_no_further_than_the_limit() -> None:
    probs = np.tile(np.eye(7, dtype=np.float32)[0], (50, 1))
    temperature = fit_temperature(probs, np.full(50, 3))
    assert temperature == pytest.approx(MAX_TEMPERATURE, rel=0.01)
    assert calibration_error(temperature_scaled_rows(probs, temperature), np.full(50, 3)) == pytest.approx(1)
