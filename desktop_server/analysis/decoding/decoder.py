"""A decoder process, as the server drives it: it decodes, and is killed where it takes too long or too much."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.forkserver import ensure_running
from multiprocessing.reduction import send_handle

import numpy as np
from msgspec.msgpack import Decoder

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
from desktop_server.analysis.decoding.worker import AddressSpace, ResourceLimits, serve_decoding
from desktop_server.schema.problems import RequestError
from device.arrays import GreyArray
from device.signals import AudioBlock, Frame

_POLL_S = 0.1
"""How often a cancelled request is looked for."""
_END_S = 5.0

Check = Callable[[], None]
"""Raises ``RequestError`` once the work is no longer wanted."""

_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Else each thread of a library's would have address space set aside for it, as much as a whole file may take."""

_context = get_context("forkserver")
# The main module, too, which each fork would else import anew; Ray's takes a second.
_context.set_forkserver_preload(["__main__", "desktop_server.analysis.decoding.worker"])


def prepare() -> None:
    """Begin to load what decoders need, once for all of them: each is a fork of one process that has it."""
    before = {name: os.environ.get(name) for name in _ENVIRONMENT}
    os.environ.update(_ENVIRONMENT)
    try:
        ensure_running()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class DecoderProcess:
    """One process and the job that it has. It belongs to one thread at a time.

    ``is_usable`` is whether it may have another job; else it is to be killed. ``wait_s``: how long any single reply may
    take.
    """

    def __init__(self, resources: ResourceLimits, *, wait_s: float) -> None:
        self._resources, self._wait_s = resources, wait_s
        ours, theirs = _context.Pipe()
        self._process = _context.Process(target=serve_decoding, args=(theirs, resources), name="decoder", daemon=True)
        self._process.start()
        theirs.close()
        self._payload_file = os.memfd_create("affectd", os.MFD_CLOEXEC)
        send_handle(ours, self._payload_file, self._process.pid)
        self._channel: MessageChannel[DecoderRequest, DecoderReply] = MessageChannel(
            ours, self._payload_file, Decoder(DecoderReply)
        )
        self._is_busy = False
        self._space = AddressSpace(self._process.pid or 0)
        self._most_bytes = self._space.size_bytes() + resources.memory_bytes
        self._whole: list[AudioBlock] | None = None
        self._playing: set[TrackName] = set()

    @property
    def is_usable(self) -> bool:
        """Alive and idle: at its end there would be something to be read."""
        return not self._is_busy and not self._channel.connection.poll()

    @property
    def is_within_memory(self) -> bool:
        """Whether it has not grown by what a whole job may take."""
        with suppress(OSError, IndexError):  # it has ended
            return self._space.size_bytes() < self._most_bytes
        return False

    def picture(self, job: PictureJob, data: bytes, check: Check) -> GreyArray:
        """Grey uint8 (height, width). Raises ``RequestError``."""
        self._begin(job, data)
        picture, pixels = self._reply(check, "unreadable-picture")
        assert isinstance(picture, Picture)
        self._is_busy = False
        return _grey(picture, pixels)

    def open(self, job: RecordingJob, data: bytes, check: Check) -> Opened:
        """What the recording holds, which stays open until ``finish``. Raises ``RequestError``."""
        self._begin(job, data)
        opened, samples = self._reply(check, "unreadable-recording")
        assert isinstance(opened, Opened)
        if opened.whole is not None:
            self._whole, self._is_busy = _blocks(opened.whole, samples), False
        return opened

    def frames(self, check: Check) -> Iterator[Frame]:
        """The pictures of the recording that is open, from its start. Raises ``RequestError``."""
        for picture, pixels in self._replies("video", check):
            assert isinstance(picture, Picture)
            yield Frame(picture.captured_ns, _grey(picture, pixels))

    def blocks(self, check: Check) -> Iterator[AudioBlock]:
        """Its sound, from its start. Raises ``RequestError``."""
        if self._whole is not None:
            yield from self._whole
            return
        for sound, samples in self._replies("audio", check):
            assert isinstance(sound, Sound)
            yield from _blocks(sound, samples)

    def finish(self) -> None:
        """Close the recording, if all that was begun of it was played to its end."""
        if self._is_busy and not self._playing:
            self._send(Done())
            self._is_busy = False

    def end(self) -> None:
        """Kill the process. May be called from any thread: whoever waits for a reply gets a ``RequestError``."""
        with suppress(ValueError):  # closed meanwhile
            self._process.kill()

    def close(self) -> None:
        """Kill it and release what belongs to it."""
        self._process.kill()
        self._process.join(_END_S)
        self._channel.connection.close()
        os.close(self._payload_file)
        self._space.close()
        with suppress(ValueError):  # even a killed process may wait for a disk
            self._process.close()

    def _begin(self, job: PictureJob | RecordingJob, data: bytes) -> None:
        self._is_busy, self._whole = True, None
        self._playing.clear()
        self._send(job, data)

    def _send(self, message: DecoderRequest, payload: bytes = b"") -> None:
        with suppress(OSError):  # it has ended: the missing reply tells why
            self._channel.send(message, payload)

    def _replies(self, track: TrackName, check: Check) -> Iterator[tuple[DecoderReply, bytes]]:
        self._playing.add(track)
        self._send(Next(track, from_start=True))
        while not isinstance((reply := self._reply(check, "unreadable-recording"))[0], End):
            yield reply
            self._send(Next(track, from_start=False))
        self._playing.discard(track)

    def _reply(self, check: Check, code: str) -> tuple[DecoderReply, bytes]:
        until_s = time.monotonic() + self._wait_s
        while not self._channel.connection.poll(_POLL_S):
            check()
            if time.monotonic() > until_s:
                raise RequestError("too-much-work", f"decoding it stood still for {self._wait_s:g} s; send it smaller")
        try:
            reply, payload = self._channel.receive()
        except (EOFError, OSError) as error:
            raise self._ended(code) from error
        if isinstance(reply, Refused):
            self._is_busy = False
            raise RequestError(reply.code, reply.detail)
        return reply, payload

    def _ended(self, code: str) -> RequestError:
        """How the process ended, for whoever sent the file."""
        self._process.join(_END_S)
        number = -(self._process.exitcode or 0)
        if number == signal.SIGXCPU:
            return RequestError(
                "too-much-work",
                f"decoding it takes more than {self._resources.cpu_s:g} s of the processor; send it smaller",
            )
        if number == signal.SIGKILL:
            return RequestError("too-much-work", "decoding it was ended for want of memory; send it smaller")
        return RequestError(code, "it ends what decodes it; export it again")


def _grey(picture: Picture, pixels: bytes) -> GreyArray:
    return np.frombuffer(pixels, dtype=np.uint8).reshape(picture.height, picture.width)


def _blocks(sound: Sound, samples: bytes) -> list[AudioBlock]:
    parts = np.split(np.frombuffer(samples, dtype=np.int16), np.cumsum(sound.lengths)[:-1])
    return list(map(AudioBlock, sound.captured_ns, sound.first_samples, parts))
