#!/usr/bin/env python3
"""The main job on real clips: a broker, the appliance, and a subscriber that prints what it receives."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from device.bench.end_to_end import NODE, RATE_HZ, appliance, subscriber
from device.bench.local_broker import local_broker
from device.capture.replay import open_media
from device.commands.replay import clip_table, spans, votes_beside
from device.fusion.clips import ClipSummaries
from device.process.program import run_program
from device.publish.console import human_line
from device.publish.decode import estimate_of
from device.publish.mqtt import MqttClient
from device.readings import Estimate, Modality

SCENE = Path(__file__).resolve().parent / "demo" / "crema_d"

LATE_NS = 300_000_000

console = Console()


def main() -> int:
    """Play the scene once, print each message and then what was made of each clip."""
    clips = sorted(SCENE.glob("*.flv"))
    scene = open_media(clips, rate_hz=RATE_HZ)
    # Times count from the first message, which is up to a few pictures late.
    summaries = ClipSummaries([replace(span, start_ns=span.start_ns - LATE_NS) for span in spans(scene)])
    with local_broker() as broker, subscriber(broker) as link:
        console.print(f"Broker: {broker.kind} on port {broker.port}. Playing {len(clips)} clips with face and voice.")
        console.print(f"Received from [bold]affectd/{NODE}/state[/] ('–': nothing seen or heard):")
        with appliance(clips, broker, loop=False, heartbeat_s=1.0) as process:
            for estimate in in_scene_time(received(link, process)):
                console.print(human_line(estimate), highlight=False)
                summaries.add(estimate)
    console.print(clip_table(summaries.clips, votes_beside(clips)))
    return process.returncode


def received(link: MqttClient, process: subprocess.Popen[bytes]) -> Iterator[Estimate]:
    """The estimate in each ``state`` until the appliance has ended."""
    while True:
        message = link.inbox.take(1.0)
        if message is None and process.poll() is not None:
            return
        if message is not None and message.address.endswith("/state"):
            yield estimate_of(message.payload)


def in_scene_time(estimates: Iterable[Estimate]) -> Iterator[Estimate]:
    """Dated from the scene's first picture on, to tell which clip an estimate belongs to; earlier ones say nothing."""
    start_ns = None
    for estimate in estimates:
        if start_ns is None and estimate.modalities[Modality.FACE].present:
            start_ns = estimate.captured_ns
        if start_ns is not None:
            yield replace(estimate, captured_ns=estimate.captured_ns - start_ns)


if __name__ == "__main__":
    sys.exit(run_program("demo", main))
