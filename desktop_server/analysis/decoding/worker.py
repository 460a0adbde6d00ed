"""The decoder process itself: one job after the other, each within its memory and processor time."""

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
from msgspec.msgpack import Decoder

from desktop_server.analysis.decoding.media import as_request_errors, decode_picture
from desktop_server.analysis.decoding.messages import (
    DecoderReply,
    DecoderRequest,
    Done,
    End,
    MessageChannel,
    Next,
    Opened,
    Picture,
    PictureJob,
    RecordingJob,
    Refused,
    Sound,
    TrackName,
)
from desktop_server.analysis.decoding.recording import Tracks, open_recording
from desktop_server.schema.problems import RequestError
from device.signals import AudioBlock, Frame

BLOCKS_PER_MESSAGE = 64
SHORT_S = 10.0
"""A shorter sound is sent whole with the reply that it is open."""
OUT_OF_MEMORY_FIRST: Final = 800
"""Where memory is short, the kernel is to end these processes and not the server (``proc_pid_oom_score_adj``)."""
CPU_S_PER_SECOND = 0.5
"""A recording may take so much of the processor for each of its seconds, besides what any file may take."""

_PAGE_BYTES = resource.getpagesize()

_Batch = tuple[DecoderReply, bytes | memoryview]


class ResourceLimits(Struct, frozen=True):
    """Limits of one job: bytes of memory and seconds of the processor, to which a recording's length adds."""

    memory_bytes: int
    cpu_s: float


def serve_decoding(connection: Connection, resources: ResourceLimits) -> None:
    """Work until the server closes the connection, or ends."""
    _prepare()
    space = AddressSpace()
    with suppress(EOFError, OSError):
        payload_file = recv_handle(connection)
        channel: MessageChannel[DecoderReply, DecoderRequest] = MessageChannel(
            connection, payload_file, Decoder(DecoderRequest)
        )
        while True:
            job, data = channel.receive()
            _limit(resource.RLIMIT_AS, space.size_bytes() + resources.memory_bytes)
            _work(channel, job, data, resources)


def _prepare() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):  # which a whole group may get; the server says when it is over
        signal.signal(number, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold pictures and sound
    with suppress(OSError):  # where even that is not allowed
        Path("/proc/self/oom_score_adj").write_text(str(OUT_OF_MEMORY_FIRST), encoding="ascii")


def _work(
    channel: MessageChannel[DecoderReply, DecoderRequest], job: DecoderRequest, data: bytes, resources: ResourceLimits
) -> None:
    _limit(resource.RLIMIT_CPU, time.process_time() + resources.cpu_s)
    try:
        if isinstance(job, PictureJob):
            grey = decode_picture(data, job.limits)
            channel.send(*_picture(Frame(0, grey)))
        elif isinstance(job, RecordingJob):
            with open_recording(data, job.limits, rate_hz=job.rate_hz) as tracks:
                _limit(
                    resource.RLIMIT_CPU,
                    time.process_time() + resources.cpu_s + CPU_S_PER_SECOND * tracks.length_s,
                )
                _serve_recording(channel, tracks)
    except RequestError as error:
        channel.send(Refused(error.code, str(error)))
    except MemoryError:
        channel.send(_out_of_memory())


def _serve_recording(channel: MessageChannel[DecoderReply, DecoderRequest], tracks: Tracks) -> None:
    """Send what is asked for, until ``Done``; the next batch is decoded while the server works on the last."""
    if tracks.video is None and tracks.audio is not None and tracks.length_s <= SHORT_S:
        with as_request_errors("unreadable-recording"), tracks.audio as audio:
            sound, samples = _sound(list(audio))
        channel.send(Opened(has_video=False, has_audio=True, length_s=tracks.length_s, whole=sound), samples)
        return
    channel.send(Opened(tracks.video is not None, tracks.audio is not None, tracks.length_s))
    playing: dict[TrackName, Iterator[Any]] = {}
    ready: dict[TrackName, _Batch] = {}
    with ExitStack() as stack:
        while isinstance(request := channel.receive()[0], Next):
            if request.from_start:
                source: Any = tracks.video if request.track == "video" else tracks.audio
                playing[request.track] = iter(stack.enter_context(source))
                ready.pop(request.track, None)
            next_batch = _NEXT_BATCH[request.track]
            batch = ready.pop(request.track, None) or _batch_of(next_batch, playing[request.track])
            channel.send(*batch)
            if isinstance(batch[0], Refused):
                return
            if not isinstance(batch[0], End):
                ready[request.track] = _batch_of(next_batch, playing[request.track])
    assert isinstance(request, Done)


def _batch_of(next_batch: Callable[[Iterator[Any]], _Batch], signals: Iterator[Any]) -> _Batch:
    try:
        with as_request_errors("unreadable-recording"):
            return next_batch(signals)
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
    some = list(islice(blocks, BLOCKS_PER_MESSAGE))
    return _sound(some) if some else (End(), b"")


def _sound(blocks: list[AudioBlock]) -> tuple[Sound, bytes]:
    sound = Sound(
        [block.captured_ns for block in blocks],
        [block.first_sample for block in blocks],
        [len(block.samples) for block in blocks],
    )
    return sound, b"".join(block.samples.tobytes() for block in blocks)


_NEXT_BATCH: dict[TrackName, Callable[[Iterator[Any]], _Batch]] = {"video": _next_picture, "audio": _next_sound}


def _out_of_memory() -> Refused:
    return Refused("too-much-work", "it takes more memory to decode than one file may take; send it smaller")


def _limit(kind: int, value: float) -> None:
    """The soft limit alone: the next job has another."""
    _, hard = resource.getrlimit(kind)
    soft = ceil(value)
    resource.setrlimit(kind, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


class AddressSpace:
    """The size of a process's address space. Its file stays open: reading it again takes a tenth of the time."""

    def __init__(self, pid: int | str = "self") -> None:
        self._statm = os.open(f"/proc/{pid}/statm", os.O_RDONLY | os.O_CLOEXEC)

    def size_bytes(self) -> int:
        """Raises ``OSError`` where the process has ended."""
        return int(os.pread(self._statm, 64, 0).split()[0]) * _PAGE_BYTES

    def close(self) -> None:
        """Close the file."""
        os.close(self._statm)
