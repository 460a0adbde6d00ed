"""Times the nets of one precision on noise. Run by ``desktop_server.comparison.cost``: PRECISION SET PROVIDER."""

from __future__ import annotations

import json
import sys
import time
from typing import cast

import numpy as np

from device.bench.fresh import peak_mib
from device.models.net import Engine, Net
from device.models.sets import load_set
from device.wiring.models import TFLITE

_RUNS = 100
_WARM_UP = 10


def main(precision: str, name: str, provider: str) -> None:
    """Print each run's milliseconds of each net, and the peak memory with the detector beside them."""
    engine = _engine(precision, provider)
    models = load_set(engine.folder("", name), name)
    nets = {card.kind: engine.load_net(card, models.folder) for card in models.cards}
    times = {kind: _times_ms(nets[kind]) for kind in ("face", "speech")}
    sys.stdout.write(json.dumps({"ms": times, "peak_mib": peak_mib()}) + "\n")


def _engine(precision: str, provider: str) -> Engine:
    if precision == "int8":
        return TFLITE  # and nothing of the other is loaded, for its memory would count
    from desktop_server.inference.onnx import float_engine
    from desktop_server.inference.provider import Provider

    return float_engine(cast(Provider, provider))


def _times_ms(net: Net) -> list[float]:
    values = np.random.default_rng(1).random(net.card.input.shape[1:], dtype=np.float32)
    return [_once_ms(net, values) for _ in range(_WARM_UP + _RUNS)][_WARM_UP:]


def _once_ms(net: Net, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    start = time.perf_counter_ns()
    net(values)
    return (time.perf_counter_ns() - start) / 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
