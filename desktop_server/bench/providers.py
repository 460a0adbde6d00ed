"""The nets by batch size on a GPU, in float32 and float16, against the processor and int8.

``make bench-gpu``, or ``python -m desktop_server.bench.providers --provider cuda --json FILE``. Milliseconds are the
median run of the bare net, from an array to an array in the processor's memory.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import onnxruntime

from desktop_server.bench.nets import SIZES, gpu_name
from desktop_server.inference.onnx import float_models_folder, started
from desktop_server.inference.provider import CPU, open_session
from device.arrays import FloatArray
from device.models.card import Card
from device.models.sets import load_set
from device.process.program import run_program
from device.wiring.models import TFLITE

_PROVIDERS = ("cuda", "tensorrt", "cpu")
_WARM_UP = 3
Run = Callable[[FloatArray], FloatArray]
"""Float32 (n, …) samples to the first output, float32 (n, classes)."""


@dataclass(frozen=True, slots=True)
class _Row:
    """One net in one form on one provider, at one batch size.

    ``apart`` is the largest difference of an output from float32's on the processor.
    """

    net: str
    form: str
    provider: str
    size: int
    run_ms: float
    samples_per_s: float
    apart: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and write the figures where ``--json`` says."""
    return run_program("bench.providers", lambda: _main(_options(arguments)), extra="gpu")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m desktop_server.bench.providers", description=__doc__)
    parser.add_argument("--provider", choices=_PROVIDERS, default="cuda", help="default: %(default)s")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="N", help="default: 1, 2, 4 … 512")
    parser.add_argument("--runs", type=int, default=15, help="whose median counts; default: %(default)s")
    parser.add_argument("--json", type=Path, required=True, metavar="FILE")
    return parser.parse_args(arguments)


def _main(options: argparse.Namespace) -> int:
    name = started(options.provider).name
    rows = [row for kind in ("face", "speech") for row in _measure(kind, name, options.sizes, options.runs)]
    figures = {
        "machine": platform.processor() or platform.machine(),
        "processors": os.cpu_count(),
        "load_1min_at_end": round(os.getloadavg()[0], 1),
        "gpu": gpu_name(),
        "runtime": f"onnxruntime {onnxruntime.__version__}",
        "int8_runtime": TFLITE.name(),
        "rows": [asdict(row) for row in rows],
    }
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _measure(kind: str, name: str, sizes: Sequence[int], runs: int) -> Iterator[_Row]:
    float_set, int8_set = load_set(float_models_folder()), load_set(TFLITE.folder("", ""))
    card, int8_card = ({card.kind: card for card in found.cards}[kind] for found in (float_set, int8_set))
    path = float_set.folder / card.file
    with tempfile.TemporaryDirectory(prefix="affectd-bench-") as folder:
        half = write_half(path, Path(folder))
        exact = _onnx(path, CPU)
        nets: dict[tuple[str, str], Run] = {
            ("float32", CPU): exact,
            ("int8", TFLITE.name()): _int8(int8_card, int8_set.folder),
            ("float32", name): _onnx(path, name),
            ("float16", name): _onnx(half, name),
        }
        for size in sizes:
            values = _samples(card, size)
            expected = exact(values)
            for (form, provider), net in nets.items():
                ms, outputs = _median_ms(net, values, runs)
                apart = float(np.abs(outputs - expected).max())
                yield _Row(card.id, form, provider, size, ms, 1000 * size / ms, apart)


def write_half(path: Path, folder: Path) -> Path:
    """The net in float16, written there: its ends stay float32. Raises ``ModuleNotFoundError`` without ``onnx``."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half = folder / path.name
    onnx.save(convert_float_to_float16(onnx.load(str(path)), keep_io_types=True), str(half))
    return half


def _onnx(path: Path, provider: str) -> Run:
    session = open_session(path, provider, threads=os.cpu_count() or 1)
    name = session.get_inputs()[0].name
    return lambda values: np.asarray(session.run(None, {name: values})[0], dtype=np.float32)


def _int8(card: Card, folder: Path) -> Run:
    net = TFLITE.load_net(card, folder)  # of one sample, as the appliance runs it
    return lambda values: np.stack([net(value)[0] for value in values])


def _samples(card: Card, size: int) -> Any:
    return np.random.default_rng(1).random((size, *card.input.shape[1:]), dtype=np.float32)


def _median_ms(net: Run, values: FloatArray, runs: int) -> tuple[float, FloatArray]:
    for _ in range(_WARM_UP):
        outputs = net(values)
    return median(_once_ms(net, values) for _ in range(runs)), outputs


def _once_ms(net: Run, values: FloatArray) -> float:
    start_ns = time.perf_counter_ns()
    net(values)
    return (time.perf_counter_ns() - start_ns) / 1e6


if __name__ == "__main__":
    sys.exit(main())
