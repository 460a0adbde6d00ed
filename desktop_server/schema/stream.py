"""``/v1/stream``: pictures and sound in over a WebSocket, estimates out as they are due.

Sub-protocol ``affectd.stream.1``. The client begins with a text message, ``StreamConfig`` as JSON, and is told
``ready``. Then it sends binary messages: one byte, ``P`` (a JPEG, PNG or WebP) or ``S`` (int16 little-endian mono
samples at the rate of its ``StreamConfig``); eight bytes, the time of the capture in microseconds of the client's own
clock, unsigned, big-endian; the rest is the picture or the samples. The server answers with text messages:
``StreamMessage`` with an estimate, or a problem document (its ``type`` begins with /problems). A stream that ends with
a problem is closed with the problem's ``code`` as the reason, and 1013 for ``busy`` (no stream is free: try again
later), 1008 for any other, as ``too-many-streams``: one token, or one address, may hold ``streams_per_client`` of them
(``/v1/server``). What comes faster than it is read is dropped, the oldest first, and counted. Signals of one kind come
in the order of their times.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from desktop_server.schema import analysis as schema
from device.readings import Mode, RuleName

SUBPROTOCOL = "affectd.stream.1"


class StreamConfig(BaseModel):
    """The first message of a client of `/v1/stream`."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = "both"
    fusion: RuleName | None = None
    rate_hz: int = Field(default=16_000, ge=8_000, le=192_000)
    compare: bool = False


class StreamMessage(BaseModel):
    """A message of `/v1/stream`: an estimate. ``face`` is where the face was seen that was read last, in its picture.

    ``problem`` is why the pictures are not believed and no face is read: they are frozen, or black.
    ``ready`` tells of models, rule and what a label is chosen by (as in ``AnalysisResponse``).
    """

    type: Literal["ready", "estimate"] = "estimate"
    estimate: schema.TimelineEstimate | None = None
    int8: schema.TimelineEstimate | None = None
    face: schema.Box | None = None
    picture: schema.Size | None = None
    models: schema.Models | None = None
    int8_models: schema.Models | None = None
    fusion: RuleName | None = None
    problem: str | None = None
    uncertain_below: float | None = None
    smooth_s: float | None = None
    hold_s: float | None = None
    dropped_pictures: int = 0
    dropped_sounds: int = 0
