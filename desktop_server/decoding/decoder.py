"""A process that decodes, as the server has it."""

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
from desktop_server.decoding.worker import AddressSpace, Allowance, serve
from desktop_server.errors import RequestError
from device.capture.display import Grey
from device.signals import AudioBlock, Frame

LOOK_S = 0.1
"""How soon it is seen that nobody waits for an answer any more."""
_END_S = 5.0

Check = Callable[[], None]
"""Raises ``RequestError`` once the work is no longer wanted."""

_ENVIRONMENT = {"MALLOC_ARENA_MAX": "1", "OPENBLAS_NUM_THREADS": "1"}
"""Else each thread of a library's would have address space set aside for it, as much as a whole file may take."""

_context = get_context("forkserver")
# The main module, too, which each fork would else import anew; Ray's takes a second.
_context.set_forkserver_preload(["__main__", "desktop_server.decoding.worker"])


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


class Decoder:
    """One process and what is under way in it. It belongs to one thread at a time.

    ``is_usable`` says whether it may have another job; else it is to be killed. ``wait_s``: how long any single answer
    of its may take.
    """

    def __init__(self, allowance: Allowance, *, wait_s: float) -> None:
        self._allowance, self._wait_s = allowance, wait_s
        ours, theirs = _context.Pipe()
        self._process = _context.Process(target=serve, args=(theirs, allowance), name="decoder", daemon=True)
        self._process.start()
        theirs.close()
        self._shelf = os.memfd_create("affectd", os.MFD_CLOEXEC)
        send_handle(ours, self._shelf, self._process.pid)
        self._wire: Wire[Ask, Reply] = Wire(ours, self._shelf, Reply)  # type: ignore[arg-type]  # mypy: a union is no type
        self._under_way = False
        self._space = AddressSpace(self._process.pid or 0)
        self._most_bytes = self._space.size_bytes() + allowance.memory_bytes
        self._whole: list[AudioBlock] | None = None
        self._playing: set[TrackName] = set()

    @property
    def is_usable(self) -> bool:
        """Alive and idle: at its end there would be something to be read."""
        return not self._under_way and not self._wire.connection.poll()

    @property
    def is_small(self) -> bool:
        """It has not grown by what a whole job may take."""
        with suppress(OSError, IndexError):  # it has ended
            return self._space.size_bytes() < self._most_bytes
        return False

    def picture(self, job: PictureJob, data: bytes, check: Check) -> Grey:
        """Grey uint8 (height, width). Raises ``RequestError``."""
        self._begin(job, data)
        told, pixels = self._reply(check, "unreadable-picture")
        assert isinstance(told, Picture)
        self._under_way = False
        return _grey(told, pixels)

    def open(self, job: RecordingJob, data: bytes, check: Check) -> Opened:
        """What the recording holds, which stays open until ``finish``. Raises ``RequestError``."""
        self._begin(job, data)
        opened, samples = self._reply(check, "unreadable-recording")
        assert isinstance(opened, Opened)
        if opened.whole is not None:
            self._whole, self._under_way = _blocks(opened.whole, samples), False
        return opened

    def frames(self, check: Check) -> Iterator[Frame]:
        """The pictures of the recording that is open, from its start. Raises ``RequestError``."""
        for told, pixels in self._replies("video", check):
            assert isinstance(told, Picture)
            yield Frame(told.captured_ns, _grey(told, pixels))

    def blocks(self, check: Check) -> Iterator[AudioBlock]:
        """Its sound, from its start. Raises ``RequestError``."""
        if self._whole is not None:
            yield from self._whole
            return
        for told, samples in self._replies("audio", check):
            assert isinstance(told, Sound)
            yield from _blocks(told, samples)

    def finish(self) -> None:
        """Close the recording, if all that was begun of it was played to its end."""
        if self._under_way and not self._playing:
            self._tell(Done())
            self._under_way = False

    def end(self) -> None:
        """End the process, whatever it does. May be called from any thread: who waits for it is told."""
        with suppress(ValueError):  # closed meanwhile
            self._process.kill()

    def close(self) -> None:
        """End it and let go of what belongs to it."""
        self._process.kill()
        self._process.join(_END_S)
        self._wire.connection.close()
        os.close(self._shelf)
        self._space.close()
        with suppress(ValueError):  # even a killed process may wait for a disk
            self._process.close()

    def _begin(self, job: PictureJob | RecordingJob, data: bytes) -> None:
        self._under_way, self._whole = True, None
        self._playing.clear()
        self._tell(job, data)

    def _tell(self, message: Ask, payload: bytes = b"") -> None:
        with suppress(OSError):  # it has ended: there is no reply, which tells why
            self._wire.send(message, payload)

    def _replies(self, track: TrackName, check: Check) -> Iterator[tuple[Reply, bytes]]:
        self._playing.add(track)
        self._tell(Next(track, from_start=True))
        while not isinstance((reply := self._reply(check, "unreadable-recording"))[0], End):
            yield reply
            self._tell(Next(track, from_start=False))
        self._playing.discard(track)

    def _reply(self, check: Check, code: str) -> tuple[Reply, bytes]:
        until_s = time.monotonic() + self._wait_s
        while not self._wire.connection.poll(LOOK_S):
            check()
            if time.monotonic() > until_s:
                raise RequestError("too-much-work", f"decoding it stood still for {self._wait_s:g} s; send it smaller")
        try:
            told, payload = self._wire.receive()
        except (EOFError, OSError) as error:
            raise self._ended(code) from error
        if isinstance(told, Refused):
            self._under_way = False
            raise RequestError(told.code, told.detail)
        return told, payload

    def _ended(self, code: str) -> RequestError:
        """What became of the process, for whoever sent the file."""
        self._process.join(_END_S)
        number = -(self._process.exitcode or 0)
        if number == signal.SIGXCPU:
            return RequestError(
                "too-much-work",
                f"decoding it takes more than {self._allowance.processor_s:g} s of the processor; send it smaller",
            )
        if number == signal.SIGKILL:
            return RequestError("too-much-work", "decoding it was ended for want of memory; send it smaller")
        return RequestError(code, "it ends what decodes it; export it again")


def _grey(told: Picture, pixels: bytes) -> Grey:
    return np.frombuffer(pixels, dtype=np.uint8).reshape(told.height, told.width)


def _blocks(told: Sound, samples: bytes) -> list[AudioBlock]:
    parts = np.split(np.frombuffer(samples, dtype=np.int16), np.cumsum(told.lengths)[:-1])
    return list(map(AudioBlock, told.captured_ns, told.first_samples, parts))
