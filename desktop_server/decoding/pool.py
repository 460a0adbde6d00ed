"""Decoders that wait for work, and new ones for those that had to be killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from queue import Empty, LifoQueue
from typing import Generic, Self, TypeVar

from desktop_server.decoding.decoder import Check, Decoder, prepare
from desktop_server.decoding.messages import PictureJob, RecordingJob
from desktop_server.decoding.worker import Allowance
from desktop_server.media import MediaLimits, require_content
from desktop_server.recording import Tracks
from device.capture.display import Grey
from device.signals import AudioBlock, Frame

Signal = TypeVar("Signal", Frame, AudioBlock)


class Decoders:
    """Decodes for many threads at once. ``warm`` processes wait for work; where all are busy there is one more.

    ``wait_s``: how long a file may keep a decoder from getting on.
    """

    def __init__(self, limits: MediaLimits, allowance: Allowance, *, warm: int, wait_s: float, rate_hz: float) -> None:
        self._limits, self._allowance, self._wait_s = limits, allowance, wait_s
        self._rate_hz = rate_hz
        self._warm = warm
        self._idle: LifoQueue[Decoder] = LifoQueue()
        self._all: set[Decoder] = set()
        self._is_closed = False
        prepare()

    def warm_up(self) -> None:
        """Have all that are to wait for work."""
        while len(self._all) < self._warm and not self._is_closed:
            self._idle.put(self._new())

    def picture(self, data: bytes, check: Check) -> Grey:
        """A picture as grey uint8 (height, width). Raises ``RequestError``, also what ``check`` raises."""
        require_content(data)
        with self._one() as decoder:
            return decoder.picture(PictureJob(self._limits), data, check)

    @contextmanager
    def recording(self, data: bytes, check: Check) -> Iterator[Tracks]:
        """The tracks of a recording or film, while this lasts. Raises ``RequestError``, also what ``check`` raises."""
        require_content(data)
        with self._one() as decoder:
            opened = decoder.open(RecordingJob(self._limits, self._rate_hz), data, check)
            yield Tracks(
                video=_Track(lambda: decoder.frames(check)) if opened.has_video else None,
                audio=_Track(lambda: decoder.blocks(check)) if opened.has_audio else None,
            )
            decoder.finish()

    def close(self) -> None:
        """Kill them all. Who waits for one is told that it has ended."""
        self._is_closed = True
        for decoder in list(self._all):
            decoder.end()
        with suppress(Empty):
            while True:
                self._drop(self._idle.get_nowait())

    @contextmanager
    def _one(self) -> Iterator[Decoder]:
        decoder = self._taken()
        try:
            yield decoder
        finally:
            self._put_back(decoder)

    def _taken(self) -> Decoder:
        while True:
            try:
                decoder = self._idle.get_nowait()
            except Empty:
                return self._new()
            if decoder.is_usable:
                return decoder
            self._drop(decoder)

    def _put_back(self, decoder: Decoder) -> None:
        if decoder.is_usable and decoder.is_small and len(self._all) <= self._warm and not self._is_closed:
            self._idle.put(decoder)
        else:
            self._drop(decoder)
            self.warm_up()

    def _new(self) -> Decoder:
        decoder = Decoder(self._allowance, wait_s=self._wait_s)
        self._all.add(decoder)
        return decoder

    def _drop(self, decoder: Decoder) -> None:
        self._all.discard(decoder)
        decoder.close()


@dataclass(frozen=True, slots=True)
class _Track(Generic[Signal]):
    """A track as a source; each time it is read it is played from its start."""

    play: Callable[[], Iterator[Signal]]
    is_recording: bool = True
    dropped: int = 0
    problem: str = ""
    blind: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[Signal]:
        return self.play()

    def close(self) -> None:
        """Nothing waits longer than its decoder."""
