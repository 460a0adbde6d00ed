"""Replay of files in the place of a camera and a microphone, one after the other as one scene."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Generic, TypeVar

from device.capture.container import sound_blocks
from device.capture.films import film_frames
from device.capture.pictures import read_picture
from device.capture.scene import PICTURES_RATE_HZ, ScenePart, in_a_row, open_clip, soundtrack
from device.readings import NS_PER_S
from device.signals import SAMPLE_RATE_HZ, AudioBlock, Frame

PAUSE_S = 1.0
"""Between two clips, so that a window of sound or a face's smoothing never spans both."""
BLOCK_MS = 30
NAP_S = 0.05
"""How soon a close from another thread is seen."""

_Signal = TypeVar("_Signal", Frame, AudioBlock)


class PlaybackClock:
    """Real time, shared by the picture and the sound of a scene: time 0 is when the first of them is entered."""

    def __init__(self) -> None:
        self._players: set[int] = set()
        self._origin_ns = 0

    def enter(self, player: object) -> None:
        """One more plays."""
        if not self._players:
            self._origin_ns = time.monotonic_ns()
        self._players.add(id(player))

    def leave(self, player: object) -> None:
        """One stops; when none plays, the next one starts the scene anew."""
        self._players.discard(id(player))

    def remaining_s(self, scene_ns: int) -> float:
        """Seconds until this moment of the scene; negative once it is over."""
        return (self._origin_ns + scene_ns - time.monotonic_ns()) / NS_PER_S


class _Replay(Generic[_Signal]):
    """A scene's pictures or sound.

    ``loop_ns``: after so long it starts again, its times counting on; ``None``: it is played once. ``clock``: signals
    come in real time and are dated with the monotonic clock; ``None``: they come as fast as they are taken, dated
    from 0, the same at each run. ``close`` may be called from another thread.
    """

    dropped = 0
    """A file waits for its reader."""
    is_finite = True
    warning, blind = "", False

    def __init__(self, parts: Sequence[ScenePart], *, loop_ns: int | None, clock: PlaybackClock | None) -> None:
        self._parts, self._loop_ns, self._clock = tuple(parts), loop_ns, clock
        self._closing = False

    def __exit__(self, *exc: object) -> None:
        self.close()
        if self._clock is not None:
            self._clock.leave(self)

    def close(self) -> None:
        """End the iteration soon."""
        self._closing = True

    def __iter__(self) -> Iterator[_Signal]:
        for part in self._loops():
            for signal in self._signals(part):
                if self._closing:
                    return
                if self._clock is None:
                    yield signal
                elif (now_ns := self._when_due(self._clock, signal)) is not None:
                    yield replace(signal, captured_ns=now_ns - self._duration_ns(signal))

    def _enter(self) -> None:
        self._closing = False
        if self._clock is not None:
            self._clock.enter(self)

    def _loops(self) -> Iterator[ScenePart]:
        for loop in count():
            for part in self._parts:
                yield replace(part, start_ns=part.start_ns + loop * (self._loop_ns or 0))
            if self._loop_ns is None:
                return

    def _when_due(self, clock: PlaybackClock, signal: _Signal) -> int | None:
        """Wait for a signal's end, as a sensor has it no earlier; the monotonic time then, ``None`` if closed."""
        due_ns = signal.captured_ns + self._duration_ns(signal)
        while not self._closing:
            remaining_s = clock.remaining_s(due_ns)
            if remaining_s <= 0:
                return time.monotonic_ns()
            time.sleep(min(remaining_s, NAP_S))
        return None

    def _signals(self, part: ScenePart) -> Iterator[_Signal]:
        raise NotImplementedError

    def _duration_ns(self, signal: _Signal) -> int:
        raise NotImplementedError


class ReplayVideo(_Replay[Frame]):
    """A scene's pictures as ``Frame``, about ``rate_hz`` a second of its films (``None``: all)."""

    def __init__(
        self,
        parts: Sequence[ScenePart],
        *,
        loop_ns: int | None,
        clock: PlaybackClock | None,
        rate_hz: float | None = None,
    ) -> None:
        super().__init__(parts, loop_ns=loop_ns, clock=clock)
        self._rate_hz = rate_hz

    def __enter__(self) -> ReplayVideo:
        self._enter()
        return self

    def _signals(self, part: ScenePart) -> Iterator[Frame]:
        clip, holds = part.clip, part.clip.holds
        if clip.pictures:
            for number, path in enumerate(clip.pictures):
                shown_ns = part.start_ns + round(number * NS_PER_S / clip.rate_hz)
                yield Frame(shown_ns, read_picture(path), is_alone=len(clip.pictures) == 1)
            return
        start_ns = holds.picture_start_ns or 0
        frames = film_frames(clip.path, start_ns=start_ns, length_ns=holds.length_ns, rate_hz=self._rate_hz)
        for time_ns, grey in frames:
            yield Frame(part.start_ns + time_ns, grey)

    def _duration_ns(self, _signal: Frame) -> int:
        return 0


class ReplayAudio(_Replay[AudioBlock]):
    """A scene's sound as ``AudioBlock`` of ``block_ms``; between two clips the sample numbers jump."""

    def __init__(
        self, parts: Sequence[ScenePart], *, loop_ns: int | None, clock: PlaybackClock | None, block_ms: int = BLOCK_MS
    ) -> None:
        super().__init__(parts, loop_ns=loop_ns, clock=clock)
        self._block_ms = block_ms

    def __enter__(self) -> ReplayAudio:
        self._enter()
        return self

    def _signals(self, part: ScenePart) -> Iterator[AudioBlock]:
        start = round(part.start_ns * SAMPLE_RATE_HZ / NS_PER_S)
        for block in sound_blocks(part.clip.path, self._block_ms):
            first = start + block.first_sample
            yield AudioBlock(round(first * NS_PER_S / SAMPLE_RATE_HZ), first, block.samples)

    def _duration_ns(self, signal: AudioBlock) -> int:
        return round(len(signal.samples) * NS_PER_S / SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Replay:
    """A scene ready to be played: ``video`` and ``audio`` are ``None`` where there is nothing to see or hear.

    ``parts`` says which file is played when, by the times of the frames and blocks of an unpaced replay.
    """

    parts: tuple[ScenePart, ...]
    video: ReplayVideo | None
    audio: ReplayAudio | None


def open_media(
    media: Sequence[Path],
    *,
    audio: Path | None = None,
    paced: bool = False,
    loop: bool = False,
    pause_s: float = PAUSE_S,
    rate_hz: float | None = None,
    pictures_rate_hz: float = PICTURES_RATE_HZ,
    block_ms: int = BLOCK_MS,
) -> Replay:
    """Films, pictures, folders of pictures and sounds, one after the other with a pause between.

    Each clip's own sound starts with it; ``audio`` replaces all of it by another file from the scene's start on.
    Raises ``MediaError`` for the first file that cannot be played.
    """
    parts = in_a_row([open_clip(path, pictures_rate_hz=pictures_rate_hz) for path in media], pause_s)
    heard = [part for part in parts if part.clip.has_sound] if audio is None else [soundtrack(audio)]
    seen = [part for part in parts if part.clip.has_picture]
    end_ns = max((part.end_ns for part in [*parts, *heard]), default=0)
    loop_ns = end_ns + round(pause_s * NS_PER_S) if loop else None
    clock = PlaybackClock() if paced else None
    return Replay(
        parts=tuple(parts),
        video=ReplayVideo(seen, loop_ns=loop_ns, clock=clock, rate_hz=rate_hz) if seen else None,
        audio=ReplayAudio(heard, loop_ns=loop_ns, clock=clock, block_ms=block_ms) if heard else None,
    )
