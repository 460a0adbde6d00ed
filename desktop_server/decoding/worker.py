"""The process that decodes: one job after the other, each within its memory and its time of the processor."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import islice
from math import ceil
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle
from pathlib import Path
from typing import Any, Final

import av  # noqa: F401 - here, once for all and before there is a limit; its readers import it when they need it
import numpy as np
from msgspec import Struct

from desktop_server.decoding.messages import (
    Ask,
    Done,
    End,
    Next,
    Opened,
    Picture,
    PictureJob,
    RecordingJob,
    Refused,
    Reply,
    Sound,
    TrackName,
    Wire,
)
from desktop_server.errors import RequestError
from desktop_server.media import decode_picture, sender_sees
from desktop_server.recording import Tracks, open_recording
from device.signals import AudioBlock, Frame

BLOCKS_A_MESSAGE = 64
SHORT_S = 10.0
"""A sound that is no longer comes with the answer that it is open."""
OUT_OF_MEMORY_FIRST: Final = 800
"""Where memory is short, the kernel is to end these processes and not the server (``proc_pid_oom_score_adj``)."""
PROCESSOR_A_SECOND = 0.5
"""A recording may take so much of the processor for each of its seconds, besides what any file may take."""

_PAGE_BYTES = resource.getpagesize()

_Batch = tuple[Reply, bytes | memoryview]


class Allowance(Struct, frozen=True):
    """Of one job: bytes of memory, and seconds of the processor; for a recording its length counts, too."""

    memory_bytes: int
    processor_s: float


def serve(connection: Connection, allowance: Allowance) -> None:
    """Work until the server closes the connection, or ends."""
    _prepare()
    space = AddressSpace()
    with suppress(EOFError, OSError):
        shelf = recv_handle(connection)
        wire: Wire[Reply, Ask] = Wire(connection, shelf, Ask)  # type: ignore[arg-type]  # mypy: a union is no type
        while True:
            job, data = wire.receive()
            _limit(resource.RLIMIT_AS, space.size_bytes() + allowance.memory_bytes)
            _work(wire, job, data, allowance)


def _prepare() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):  # which a whole group may get; the server says when it is over
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold pictures and sound
    with suppress(OSError):  # where even that is not allowed
        Path("/proc/self/oom_score_adj").write_text(str(OUT_OF_MEMORY_FIRST), encoding="ascii")


def _work(wire: Wire[Reply, Ask], job: Ask, data: bytes, allowance: Allowance) -> None:
    _limit(resource.RLIMIT_CPU, time.process_time() + allowance.processor_s)
    try:
        if isinstance(job, PictureJob):
            grey = decode_picture(data, job.limits)
            wire.send(*_picture(Frame(0, grey)))
        elif isinstance(job, RecordingJob):
            with open_recording(data, job.limits, rate_hz=job.rate_hz) as tracks:
                _limit(
                    resource.RLIMIT_CPU,
                    time.process_time() + allowance.processor_s + PROCESSOR_A_SECOND * tracks.length_s,
                )
                _play(wire, tracks)
    except RequestError as error:
        wire.send(Refused(error.code, str(error)))
    except MemoryError:
        wire.send(_out_of_memory())


def _play(wire: Wire[Reply, Ask], tracks: Tracks) -> None:
    """What is asked for, until it is done; the next is made ready while the server works on the last."""
    if tracks.video is None and tracks.audio is not None and tracks.length_s <= SHORT_S:
        with sender_sees("unreadable-recording"), tracks.audio as audio:
            sound, samples = _sound(list(audio))
        wire.send(Opened(has_video=False, has_audio=True, whole=sound), samples)
        return
    wire.send(Opened(tracks.video is not None, tracks.audio is not None))
    playing: dict[TrackName, Iterator[Any]] = {}
    ready: dict[TrackName, _Batch] = {}
    with ExitStack() as stack:
        while isinstance(ask := wire.receive()[0], Next):
            if ask.from_start:
                source: Any = tracks.video if ask.track == "video" else tracks.audio
                playing[ask.track] = iter(stack.enter_context(source))
                ready.pop(ask.track, None)
            give = _GIVERS[ask.track]
            batch = ready.pop(ask.track, None) or _given(give, playing[ask.track])
            wire.send(*batch)
            if isinstance(batch[0], Refused):
                return
            if not isinstance(batch[0], End):
                ready[ask.track] = _given(give, playing[ask.track])
    assert isinstance(ask, Done)


def _given(give: Callable[[Iterator[Any]], _Batch], signals: Iterator[Any]) -> _Batch:
    try:
        with sender_sees("unreadable-recording"):
            return give(signals)
    except RequestError as error:
        return Refused(error.code, str(error)), b""
    except MemoryError:
        return _out_of_memory(), b""


def _next_picture(frames: Iterator[Frame]) -> _Batch:
    frame = next(frames, None)
    return (End(), b"") if frame is None else _picture(frame)


def _picture(frame: Frame) -> tuple[Picture, memoryview]:
    height, width = frame.grey.shape
    return Picture(frame.captured_ns, height, width), np.ascontiguousarray(frame.grey).data.cast("B")


def _next_sound(blocks: Iterator[AudioBlock]) -> _Batch:
    some = list(islice(blocks, BLOCKS_A_MESSAGE))
    return _sound(some) if some else (End(), b"")


def _sound(blocks: list[AudioBlock]) -> tuple[Sound, bytes]:
    told = Sound(
        [block.captured_ns for block in blocks],
        [block.first_sample for block in blocks],
        [len(block.samples) for block in blocks],
    )
    return told, b"".join(block.samples.tobytes() for block in blocks)


_GIVERS: dict[TrackName, Callable[[Iterator[Any]], _Batch]] = {"video": _next_picture, "audio": _next_sound}


def _out_of_memory() -> Refused:
    return Refused("too-much-work", "it takes more memory to decode than one file may take; send it smaller")


def _limit(kind: int, value: float) -> None:
    """The soft limit alone: the next job has another."""
    _, hard = resource.getrlimit(kind)
    soft = ceil(value)
    resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


class AddressSpace:
    """Of a process. The file that tells it stays open: that is a tenth of the time."""

    def __init__(self, pid: int | str = "self") -> None:
        self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)

    def size_bytes(self) -> int:
        """Raises ``OSError`` where the process has ended."""
        return int(os.pread(self._statm, 64, 0).split()[0]) * _PAGE_BYTES

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._statm)
