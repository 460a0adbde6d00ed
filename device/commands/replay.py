"""``affectd replay``: what the models make of recorded media."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from device.app import replay_estimates
from device.capture.replay import Replay, open_media
from device.config.settings import CameraSettings, FusionSettings, ModelsSettings, NodeSettings, Settings
from device.errors import AffectdError
from device.fusion.clips import ClipSummaries, ClipSummary, Span
from device.publish.console import ConsoleSink
from device.publish.payload import MediaClock, Payloads
from device.wiring.models import load_models, tflite_engine

VOTES_FILE = "votes.json"
"""Beside the clips: what people said, by the clip's name without suffix: {"voice": […], "face": […], "both": […]}."""


def run(options: argparse.Namespace) -> int:
    """Print an estimate a line; then, for people, a table of the clips."""
    settings = Settings(
        node=NodeSettings(id="replay", mode=options.mode),
        fusion=FusionSettings(rule=options.fusion),
        models=ModelsSettings(dir=options.models_dir, set=options.model_set, runtime=options.runtime),
        camera=CameraSettings(
            rate_hz=options.rate or CameraSettings().rate_hz, turn=options.turn, mirror=options.mirror
        ),
    )
    replay = open_media(options.media, audio=options.audio, rate_hz=options.rate)
    models, load_net = load_models(settings), tflite_engine(options.runtime).load_net
    payloads = Payloads(node="replay", boot_id="replay", model_set=models.name, clock=MediaClock())
    summaries = ClipSummaries(spans(replay))
    with ConsoleSink(stream=sys.stdout, payloads=payloads, as_json=options.json) as console:
        for estimate in replay_estimates(settings, models, replay, load_net):
            console.publish(estimate)
            summaries.add(estimate)
    if not options.json:
        Console().print(clip_table(summaries.clips, votes_beside(options.media)))
    return 0


def spans(replay: Replay) -> list[Span]:
    """Each clip's name and time in the scene."""
    return [Span(part.clip.path.name, part.start_ns, part.end_ns) for part in replay.parts]


def votes_beside(media: Sequence[Path]) -> Mapping[str, Mapping[str, Sequence[str]]]:
    """People's votes for the clips of these folders, by the clip's name without suffix; none where none are known.

    Raises ``AffectdError`` for a file of that name that holds something else.
    """
    votes: dict[str, Mapping[str, Sequence[str]]] = {}
    for path in {medium.parent / VOTES_FILE for medium in media}:
        if path.is_file():
            votes.update(_votes_in(path))
    return votes


def _votes_in(path: Path) -> Mapping[str, Mapping[str, Sequence[str]]]:
    try:
        return msgspec.json.decode(path.read_text(encoding="utf-8-sig"), type=dict[str, dict[str, list[str]]])
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise AffectdError(
            f"{path}: not what people said of the clips beside it ({error}); mend it, or give it another name"
        ) from error


def clip_table(clips: Sequence[ClipSummary], votes: Mapping[str, Mapping[str, Sequence[str]]]) -> Table:
    """What the face said, what the voice said, what was fused, beside what most people said."""
    title = "What the models said of each clip" + (", and in brackets what most people said" if votes else "")
    table = Table(title=title, box=box.SIMPLE_HEAD)
    for heading in ("clip", "face", "voice", "fused"):
        table.add_column(heading)
    for clip in clips:
        stem = Path(clip.name).stem
        table.add_row(stem, *_cells(clip, votes.get(stem, {})))
    return table


def _cells(clip: ClipSummary, people: Mapping[str, Sequence[str]]) -> Iterator[str]:
    for said, asked in ((clip.face, "face"), (clip.voice, "voice"), (clip.fused, "both")):
        vote = f" ({'/'.join(people[asked])})" if asked in people else ""
        yield (f"{said[0]} {said[1]:.2f}" if said else "–") + vote
