"""How large the steps are: cosines, each after a short rise, one after the other."""

import pytest
from quiet import QUIET_TENSORFLOW

from quantize.training.schedules import WarmupCosineRestarts

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

TWO = WarmupCosineRestarts(peaks=[0.05, 0.03], steps=[100, 60], warm_up_steps=10)


@pytest.mark.parametrize(
    ("step", "rate"),
    [(0, 0), (5, 0.025), (10, 0.05), (55, 0.025), (99, 0), (100, 0), (110, 0.03), (135, 0.015), (160, 0)],
)
def test_each_cycle_rises_to_its_peak_and_falls_to_0(step: int, rate: float) -> None:
    import tensorflow as tf

    assert float(TWO(tf.constant(step))) == pytest.approx(rate, abs=2e-5)


def test_cycles_survive_being_written_into_a_checkpoint() -> None:
    assert WarmupCosineRestarts(**TWO.get_config()).get_config() == TWO.get_config()
