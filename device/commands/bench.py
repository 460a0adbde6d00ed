"""``affectd bench``: speed and memory of this machine."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from device.bench.end_to_end import EndToEnd, measure_end_to_end
from device.bench.peer import PeerComparison, compare_with_peer
from device.bench.stages import make_stages, medians_ms
from device.capture.container import sound_blocks
from device.capture.films import film_frames
from device.capture.pictures import read_picture
from device.errors import AffectdError
from device.models.runtime import runtime_name
from device.models.sets import load_set, models_folder

ROOT = Path(__file__).resolve().parents[2]
SCENE = ROOT / "deploy" / "demo" / "crema_d"
_PORTRAIT = ROOT / "deploy" / "demo" / "astronaut.png"
"""512×512, the size of picture that peers are measured with."""


def run(options: argparse.Namespace) -> int:
    """Measure, print, and write the figures where ``--json`` says."""
    clips = sorted(SCENE.glob("*.flv"))
    if not clips:
        raise AffectdError(f"{SCENE}: the benchmark's clips are not there; run it from a checkout of the project")
    models = load_set(models_folder())
    with tempfile.TemporaryDirectory(prefix="affectd-bench-") as folder:
        frame = _frame(clips[0], Path(folder))
        stages = medians_ms(make_stages(models, read_picture(frame), _sound(clips[0])))
        pictures = (_PORTRAIT, frame) if options.peer_python else ()
        peers = {_size(picture): compare_with_peer(options.peer_python, picture) for picture in pictures}
    whole = measure_end_to_end(clips, options.seconds)
    _print(stages, whole, peers)
    if options.json:
        figures = {
            "machine": platform.processor() or platform.machine(),
            "runtime": runtime_name(),
            "models": {card.id: card.sha256 for card in models.cards},
            "stages_ms": stages,
            "end_to_end": asdict(whole),
            "peer": {size: asdict(comparison) for size, comparison in peers.items()},
        }
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def _size(picture: Path) -> str:
    height, width = read_picture(picture).shape
    return f"{width}×{height}"


def _frame(clip: Path, folder: Path) -> Path:
    """A clip's first frame as a file, for those who cannot read the clip."""
    _, grey = next(film_frames(clip, start_ns=0, length_ns=10**10, rate_hz=None))
    path = folder / "frame.png"
    cv2.imwrite(str(path), grey)
    return path


def _sound(clip: Path) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in sound_blocks(clip, 30)])


def _print(stages: dict[str, float], whole: EndToEnd, peers: dict[str, PeerComparison]) -> None:
    table = Table("what", "measured", title=f"affectd on {platform.machine()}, one core, {runtime_name()}")
    for name, milliseconds in stages.items():
        table.add_row(name, f"{milliseconds:.2f} ms")
    for size, peer in peers.items():
        table.add_row(
            f"a face in {size}, all in", f"{peer.ours_cpu_ms:.2f} ms of processor, {peer.ours_peak_mib:.0f} MiB"
        )
        table.add_row("… by fer 25.10.3", f"{peer.peer_cpu_ms:.1f} ms of processor, {peer.peer_peak_mib:.0f} MiB")
        table.add_row("… times cheaper than fer", str(peer.times))
    p50, p90, p99, most = whole.latency_ms
    table.add_row("capture → received", f"p50 {p50:.1f}, p90 {p90:.1f}, p99 {p99:.1f}, max {most:.1f} ms")
    messages = f"{whole.messages} in {whole.seconds:.0f} s, {whole.messages_of_time} of them brought by time alone"
    table.add_row("… messages, broker", f"{messages}, {whole.broker}")
    table.add_row("… processor", f"{100 * whole.cpu_share:.0f} % of one core")
    table.add_row("… peak memory", f"{whole.peak_memory_mib:.0f} MiB")
    table.add_row("… start to first message", f"{whole.start_to_first_message_s:.1f} s")
    table.add_row("… dropped", ", ".join(f"{name} {count}" for name, count in whole.dropped.items()))
    Console().print(table)
