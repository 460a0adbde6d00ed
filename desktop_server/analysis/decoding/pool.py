"""The decoder pool: processes that are ready for a file, and new ones for those that had to be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from queue import Empty, LifoQueue
from typing import Generic, Self, TypeVar

from desktop_server.analysis.decoding.decoder import Check, DecoderProcess, prepare
from desktop_server.analysis.decoding.media import MediaLimits, require_content
from desktop_server.analysis.decoding.messages import PictureJob, RecordingJob
from desktop_server.analysis.decoding.recording import Tracks
from desktop_server.analysis.decoding.worker import ResourceLimits
from device.arrays import GreyArray
from device.signals import AudioBlock, Frame

_Signal = TypeVar("_Signal", Frame, AudioBlock)


class DecoderPool:
    """Decodes for many threads at once. ``warm`` processes are kept ready; where all are busy one more is started.

    ``wait_s``: how long a file may keep a decoder from getting on.
    """

    def __init__(
        self, limits: MediaLimits, resources: ResourceLimits, *, warm: int, wait_s: float, rate_hz: float
    ) -> None:
        self._limits, self._resources, self._wait_s = limits, resources, wait_s
        self._rate_hz = rate_hz
        self._warm = warm
        self._idle: LifoQueue[DecoderProcess] = LifoQueue()
        self._all: set[DecoderProcess] = set()
        self._is_closed = False
        prepare()

    def start_warm(self) -> None:
        """Start the processes that are to be kept ready."""
        while len(self._all) < self._warm and not self._is_closed:
            self._idle.put(self._new())

    def picture(self, data: bytes, check: Check) -> GreyArray:
        """A picture as grey uint8 (height, width). Raises ``RequestError``, also what ``check`` raises."""
        require_content(data)
        with self._acquire() as decoder:
            return decoder.picture(PictureJob(self._limits), data, check)

    @contextmanager
    def recording(self, data: bytes, check: Check, *, most_s: float | None = None) -> Iterator[Tracks]:
        """The tracks of a recording or film, while this lasts. Raises ``RequestError``, also what ``check`` raises.

        ``most_s``: how long it may be, in place of the pool's own limit.
        """
        require_content(data)
        limits = self._limits if most_s is None else replace(self._limits, seconds=most_s)
        with self._acquire() as decoder:
            opened = decoder.open(RecordingJob(limits, self._rate_hz), data, check)
            yield Tracks(
                video=_Track(lambda: decoder.frames(check)) if opened.has_video else None,
                audio=_Track(lambda: decoder.blocks(check)) if opened.has_audio else None,
                length_s=opened.length_s,
            )
            decoder.finish()

    def close(self) -> None:
        """Kill them all. Whoever waits for one gets a ``RequestError``."""
        self._is_closed = True
        for decoder in list(self._all):
            decoder.end()
        with suppress(Empty):
            while True:
                self._discard(self._idle.get_nowait())

    @contextmanager
    def _acquire(self) -> Iterator[DecoderProcess]:
        decoder = self._idle_or_new()
        try:
            yield decoder
        finally:
            self._release(decoder)

    def _idle_or_new(self) -> DecoderProcess:
        while True:
            try:
                decoder = self._idle.get_nowait()
            except Empty:
                return self._new()
            if decoder.is_usable:
                return decoder
            self._discard(decoder)

    def _release(self, decoder: DecoderProcess) -> None:
        if decoder.is_usable and decoder.is_within_memory and len(self._all) <= self._warm and not self._is_closed:
            self._idle.put(decoder)
        else:
            self._discard(decoder)
            self.start_warm()

    def _new(self) -> DecoderProcess:
        decoder = DecoderProcess(self._resources, wait_s=self._wait_s)
        self._all.add(decoder)
        return decoder

    def _discard(self, decoder: DecoderProcess) -> None:
        self._all.discard(decoder)
        decoder.close()


@dataclass(frozen=True, slots=True)
class _Track(Generic[_Signal]):
    """A track as a source; each time it is read it is played from its start."""

    play: Callable[[], Iterator[_Signal]]
    is_finite: bool = True
    dropped: int = 0
    warning: str = ""
    blind: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[_Signal]:
        return self.play()

    def close(self) -> None:
        """Nothing waits longer than its decoder."""
