"""The bare float nets by batch size, on whatever runs them here."""

from __future__ import annotations

import shutil
import subprocess
import time
from dataclasses import dataclass

import numpy as np

from desktop_server.inference.onnx import OnnxNet, float_models_folder
from desktop_server.inference.provider import Provider
from device.models.card import Card
from device.models.sets import load_set

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_WARM_UP, _RUNS = 3, 15


@dataclass(frozen=True, slots=True)
class BatchSpeed:
    """The median milliseconds of a run of so many samples."""

    size: int
    run_ms: float
    samples_per_s: float


def by_size(provider: Provider) -> dict[str, list[BatchSpeed]]:
    """Each net of the default set. Raises ``ConfigError`` for a provider that is not there."""
    models = load_set(float_models_folder())
    nets = [OnnxNet(card, models.folder, provider=provider) for card in models.models.values()]
    return {net.card.id: [_batch(net, size) for size in SIZES] for net in nets}


def gpu_name() -> str | None:
    """What the driver calls the GPU; ``None`` where there is none."""
    if shutil.which("nvidia-smi") is None:
        return None
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    names = result.stdout.split("\n") if result.returncode == 0 else [""]
    return names[0].strip() or None


def _batch(net: OnnxNet, size: int) -> BatchSpeed:
    values = _samples(net.card, size)
    for _ in range(_WARM_UP):
        net.batch(values)
    seconds = float(np.median([_once_s(net, values) for _ in range(_RUNS)]))
    return BatchSpeed(size, 1000 * seconds, size / seconds)


def _samples(card: Card, size: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.random.default_rng(1).random((size, *card.input.shape[1:]), dtype=np.float32)


def _once_s(net: OnnxNet, values: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    start = time.perf_counter()
    net.batch(values)
    return time.perf_counter() - start
