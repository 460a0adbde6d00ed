"""``affectd-server bench``: speed and memory of the server on this machine."""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from desktop_server.bench.client import request
from desktop_server.bench.measure import Alone, gain, measure_alone, memory, overload, throughput
from desktop_server.bench.media import clip_wav, portrait_jpeg, require_media
from desktop_server.bench.nets import by_size, gpu_name
from desktop_server.bench.server import local_server
from desktop_server.inference.onnx import started

FACE_TARGET_MS, SPEECH_TARGET_MS, GAIN_TARGET = 5.0, 10.0, 4.0


def run(options: argparse.Namespace) -> int:
    """Measure, print, and write the figures where ``--json`` says."""
    require_media()
    face = request("/v1/face", portrait_jpeg(), "image/jpeg")
    speech = request("/v1/speech", clip_wav(), "audio/wav")
    with local_server() as server:
        figures: dict[str, Any] = {
            "machine": platform.processor() or platform.machine(),
            "processors": os.cpu_count(),
            "provider": started("auto").name,
            "gpu": gpu_name(),
            "face": asdict(measure_alone(server, face, options.requests)),
            "speech": asdict(measure_alone(server, speech, options.requests)),
            "throughput_face": [asdict(row) for row in throughput(server, face, options.seconds)],
            "gain_at_32": asdict(gain(server, face, options.seconds)),
            "overload": asdict(overload(server, face, 2 * options.seconds)),
        }
    figures["nets"] = {name: [asdict(row) for row in rows] for name, rows in by_size("auto").items()}
    with local_server() as server:  # a fresh one, so that what is before is not in its memory
        figures["memory"] = asdict(memory(server, [face, speech], options.memory_requests))
    _print(figures)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _print(figures: Mapping[str, Any]) -> None:
    title = f"affectd-server on {figures['processors']} × {figures['machine']}, {figures['gpu'] or 'no GPU'}"
    table = Table("what", "measured", "target", title=title)
    for name, target_ms in (("face", FACE_TARGET_MS), ("speech", SPEECH_TARGET_MS)):
        one = Alone(**figures[name])
        p50, p95, p99 = one.server_ms
        table.add_row(
            f"{name}, server time alone", f"p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} ms", f"{target_ms:g} ms"
        )
        table.add_row("… processor", f"{one.cpu_ms:.1f} ms", "")
    for row in figures["throughput_face"]:
        p50, p99 = row["latency_ms"]
        table.add_row(f"{row['concurrency']} clients", f"{row['per_s']:.0f}/s, p50 {p50:.0f}, p99 {p99:.0f} ms", "")
    ratio = figures["gain_at_32"]
    table.add_row(
        "32 clients : 1", f"{ratio['value']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]", f"{GAIN_TARGET:g}"
    )
    over = figures["overload"]
    outcome = f"{100 * over['share_refused']:.0f} % refused, p99 of the others {over['latency_ms'][1]:.0f} ms"
    table.add_row(f"{over['offered_per_s']:.0f}/s offered", outcome, "bounded")
    kept = figures["memory"]
    table.add_row(
        f"memory over {kept['requests']} requests",
        f"peak {kept['peak_mib']:.0f} MiB, slope {kept['slope_kib_per_1000']:.0f} KiB per 1000",
        "steady",
    )
    Console().print(table)
