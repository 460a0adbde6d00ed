"""Schema of the server itself: its models, emotions, rules and limits."""

from __future__ import annotations

from typing import get_args

from pydantic import Field

from desktop_server.schema import analysis as schema
from device.readings import Emotion, Mode, RuleName


class RequestLimits(schema.FrozenModel):
    """What a request may ask for."""

    body_mib: float
    picture_mpx: float
    media_s: float
    jobs: int = Field(description="0: none are taken.")
    job_mib: float
    job_media_s: float
    streams: int
    streams_per_client: int


class EmotionInfo(schema.FrozenModel):
    """A class of the nets, and its place on the plane of valence and arousal."""

    name: Emotion
    valence: float
    arousal: float


class ServerInfo(schema.FrozenModel):
    """Models, emotions, rules, limits."""

    version: str
    models: schema.Models
    int8: schema.Models
    fusion: RuleName
    fusions: tuple[RuleName, ...] = get_args(RuleName)
    modes: tuple[Mode, ...] = get_args(Mode)
    emotions: list[EmotionInfo] = Field(description="In the order of every probability vector.")
    limits: RequestLimits
    gpu_problem: str | None = None
    """Why the float nets run on the processor although this installation is made for a GPU."""
