"""An analysis request: the media, and what is to be read of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from desktop_server.analysis.analyzer import Faces
from desktop_server.analysis.cancellation import Cancellation
from desktop_server.analysis.progress import ReadingProgress
from device.readings import Mode, RuleName

LONG_BYTES = 2**18
"""Eight seconds of sound at 16 kHz, or a few of a film."""


@dataclass(frozen=True, slots=True)
class AnalysisRequest:
    """What is to be analysed. ``picture`` and ``recording`` (a sound or a film) are files' bytes; one of them is set.

    Pictures are turned clockwise by ``turn`` degrees (0, 90, 180, 270) before faces are searched for.
    ``every_rule``: the answer also has what every rule says on the way. ``work_s`` and ``media_s`` stand in place of
    the server's own limits.
    """

    mode: Mode
    rule: RuleName
    picture: bytes | None = None
    recording: bytes | None = None
    compare: bool = False
    explain: bool = False
    faces: Faces = "all"
    turn: int = 0
    every_rule: bool = False
    work_s: float | None = None
    media_s: float | None = None
    cancellation: Cancellation = field(default_factory=Cancellation)
    progress: ReadingProgress = field(default_factory=ReadingProgress)
    received_s: float = field(default_factory=time.perf_counter)

    @property
    def is_long(self) -> bool:
        """Whether it is likely to take more than a second."""
        return self.recording is not None and len(self.recording) > LONG_BYTES
