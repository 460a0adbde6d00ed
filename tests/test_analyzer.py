"""The search for faces in what somebody sent."""

import time

import numpy as np
import pytest

from desktop_server.analysis.analyzer import Analyzer
from desktop_server.analysis.cancellation import Cancellation, Stopwatch
from desktop_server.inference.onnx import float_engine
from desktop_server.schema.problems import RequestError
from device.config.settings import Settings
from device.wiring.models import load_models


def test_a_large_picture_is_searched_no_further_once_nobody_waits_or_the_time_is_over() -> None:
    engine = float_engine("cpu")
    analyzer = Analyzer(load_models(Settings(), engine), engine.load_net)
    large = np.zeros((3000, 4000), dtype=np.uint8)  # 283 views
    gone = Stopwatch(time.monotonic() + 60, Cancellation(is_cancelled=True))
    for watch, code in ((gone, "client-gone"), (Stopwatch(time.monotonic() - 1), "too-much-work")):
        with pytest.raises(RequestError) as caught:
            analyzer.analyze_picture(large, "all", watch)
        assert caught.value.code == code
