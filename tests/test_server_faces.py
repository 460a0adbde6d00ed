"""The search for faces in what somebody sent."""

import time

import numpy as np
import pytest

from desktop_server.cancellation import Cancellation
from desktop_server.engine import float_engine
from desktop_server.errors import RequestError
from desktop_server.perception import Perception, Stopwatch
from device.app import load_models
from device.settings import Settings


def test_a_large_picture_is_searched_no_further_once_nobody_waits_or_the_time_is_over() -> None:
    engine = float_engine("cpu")
    perception = Perception(load_models(Settings(), engine), engine.open_net)
    large = np.zeros((3000, 4000), dtype=np.uint8)  # 283 views
    gone = Stopwatch(time.monotonic() + 60, Cancellation(is_cancelled=True))
    for watch, code in ((gone, "client-gone"), (Stopwatch(time.monotonic() - 1), "too-much-work")):
        with pytest.raises(RequestError) as caught:
            perception.faces(large, "all", watch)
        assert caught.value.code == code
