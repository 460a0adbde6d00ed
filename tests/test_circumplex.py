import pytest
from made_readings import surely

from device.fusion.circumplex import valence_arousal
from device.readings import Emotion


def test_pure_emotions_lie_where_the_source_puts_them() -> None:
    assert valence_arousal(surely(Emotion.HAPPY, 1.0)) == pytest.approx((0.81, 0.51))
    assert valence_arousal(surely(Emotion.NEUTRAL, 1.0)) == (0, 0)
