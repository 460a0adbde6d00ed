"""A microphone, through PortAudio (sounddevice)."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.capture.blocks import BlockMaker
from device.capture.choose import choose_device, listed
from device.capture.sample_clock import SampleClock, Stamp
from device.capture.sound_watch import SoundWatch
from device.errors import SourceLost, SourceUnavailable
from device.readings import NS_PER_S
from device.signals import SAMPLE_RATE_HZ, AudioBlock
from device.threads.handover import DropOldest

QUEUE_S = 2.0
"""Sound that may wait to be taken; older sound is dropped and shows as a gap."""
LOST_AFTER_S = 3.0
"""PortAudio says nothing when a microphone is unplugged; its blocks come each 30 ms as long as it is there."""
_POLL_S = 0.2
"""How soon a close from another thread is seen."""

_CARD_NUMBER = re.compile(r" \(hw:\d+,\d+\)$")


@dataclass(frozen=True, eq=False, slots=True)
class _Chunk:
    """A chunk of one callback: int16 (samples, channels) at the device's rate."""

    stamp: Stamp
    samples: NDArray[np.int16]


class Microphone:
    """Sound of a microphone as blocks of about ``block_ms``, 16 kHz, mono, numbered without a break unless samples
    were lost.

    ``name`` is a device's name or any part of it (see ``list_microphones``); empty is the system's default. A device
    that has not 16 kHz or not one channel is converted here. Only one microphone can be open in a process: entering
    starts PortAudio anew, since it knows only the devices that were there when it started.

    Entering raises ``SourceUnavailable``; iterating raises ``SourceLost`` when no sound comes for ``lost_after_s``.
    ``close`` may be called from another thread. ``driver`` is the module ``sounddevice`` (or a stand-in); by default
    it is imported when the source is entered.
    """

    def __init__(
        self, *, name: str = "", block_ms: int = 30, lost_after_s: float = LOST_AFTER_S, driver: Any = None
    ) -> None:
        self._name, self._block_ms, self._lost_after_s = name, block_ms, lost_after_s
        self._driver, self.device_name = driver, name
        self._chunks: DropOldest[_Chunk] = self._queue()
        self._stream: Any = None
        self._clock = SampleClock(rate_hz=SAMPLE_RATE_HZ)
        self._closing = False
        self._watch = SoundWatch()

    is_finite = False

    @property
    def dropped(self) -> int:
        """Blocks lost: in the driver, and because nobody took them in time."""
        return self._clock.gaps + self._chunks.dropped

    @property
    def silent_s(self) -> float:
        """For how long every sample has been zero."""
        return self._watch.silent_s

    @property
    def warning(self) -> str:
        """That it is mute, or that its zero is none, once that is sure."""
        return self._watch.warning

    @property
    def blind(self) -> bool:
        """Whether it is mute: that nobody is heard then says nothing."""
        return self._watch.mute

    def __enter__(self) -> Microphone:
        portaudio = self._driver or _portaudio()
        _restart(portaudio)
        index, self.device_name = self._choose(portaudio)
        self._closing, self._watch, self._chunks = False, SoundWatch(), self._queue()
        self._stream = self._open(portaudio, index)
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def close(self) -> None:
        """End the iteration soon."""
        self._closing = True

    def __iter__(self) -> Iterator[AudioBlock]:
        assert self._stream is not None, "a microphone is read inside its `with`"
        rate_hz = round(self._stream.samplerate)
        maker = BlockMaker(rate_hz=rate_hz, block_ms=self._block_ms)
        while (chunk := self._next_chunk()) is not None:
            for block in maker.push(chunk.stamp.first_sample, chunk.samples / np.float32(32768)):
                since_stamp_s = block.first_sample / SAMPLE_RATE_HZ - chunk.stamp.first_sample / rate_hz
                captured_ns = chunk.stamp.captured_ns + round(since_stamp_s * NS_PER_S)
                self._watch.update(block.samples)
                yield AudioBlock(captured_ns, block.first_sample, block.samples)

    def _next_chunk(self) -> _Chunk | None:
        """The next piece of sound; ``None`` once closed."""
        began_ns = time.monotonic_ns()
        while not self._closing:
            chunk = self._chunks.take(_POLL_S)
            if chunk is not None:
                return chunk
            waited_s = (time.monotonic_ns() - began_ns) / NS_PER_S
            if waited_s > self._lost_after_s or not self._stream.active:
                raise SourceLost(
                    f"microphone {self.device_name!r}: no sound for {waited_s:.1f} s; "
                    "check that it is plugged in, it is tried again"
                )
        return None

    def _choose(self, portaudio: Any) -> tuple[int, str]:
        inputs = _inputs(portaudio)
        if self._name:
            return inputs[choose_device("microphone", self._name, [name for _, name in inputs])]
        default = portaudio.default.device[0]
        for index, name in inputs:
            if index == default:
                return index, name
        raise SourceUnavailable(
            f"microphone: the system has no default one; found: {listed([name for _, name in inputs])}; "
            "plug one in or name one of these in the configuration"
        )

    def _open(self, portaudio: Any, index: int) -> Any:
        """The running stream, 16 kHz mono if the device can, else what it can."""
        own_rate_hz = portaudio.query_devices(index)["default_samplerate"]
        refusal = ""
        for rate_hz, channels in [(SAMPLE_RATE_HZ, 1), (SAMPLE_RATE_HZ, 2), (own_rate_hz, 1), (own_rate_hz, 2)]:
            try:
                return self._start(portaudio, index, rate_hz, channels)
            except portaudio.PortAudioError as error:
                refusal = str(error)
        raise SourceUnavailable(
            f"microphone {self.device_name!r}: it cannot be opened ({refusal}); end the program that uses it, "
            "or add the user to the group `audio`"
        )

    def _start(self, portaudio: Any, index: int, rate_hz: float, channels: int) -> Any:
        self._clock = SampleClock(rate_hz=rate_hz)
        stream = portaudio.InputStream(
            device=index,
            channels=channels,
            samplerate=rate_hz,
            dtype="int16",
            blocksize=round(rate_hz * self._block_ms / 1000),
            callback=self._on_sound,
        )
        try:
            stream.start()
        except portaudio.PortAudioError:
            stream.close()
            raise
        return stream

    def _on_sound(self, sound: NDArray[np.int16], samples: int, _times: Any, status: Any) -> None:
        """PortAudio's thread: nothing here may wait."""
        stamp = self._clock.stamp(samples, time.monotonic_ns(), overflowed=bool(status.input_overflow))
        self._chunks.put(_Chunk(stamp, sound.copy()))

    def _queue(self) -> DropOldest[_Chunk]:
        return DropOldest(math.ceil(QUEUE_S * 1000 / self._block_ms))


def list_microphones(driver: Any = None) -> list[str]:
    """Names to put into the configuration, each of one device; empty where there is none or no PortAudio.

    ALSA's card number, which changes when the system starts anew, is left out of a name that needs none.
    """
    try:
        names = list(dict.fromkeys(name for _, name in _inputs(driver or _portaudio())))
    except SourceUnavailable:
        return []
    short = [_CARD_NUMBER.sub("", name) for name in names]
    return [s if sum(s in other for other in names) == 1 else n for s, n in zip(short, names, strict=True)]


def _inputs(portaudio: Any) -> list[tuple[int, str]]:
    devices = portaudio.query_devices()
    return [(d["index"], d["name"]) for d in devices if d["max_input_channels"] > 0]


def _restart(portaudio: Any) -> None:
    # The library's way to see devices that came after its start; it has no public one.
    portaudio._terminate()
    portaudio._initialize()


def _portaudio() -> Any:
    try:
        import sounddevice  # noqa: TID251 - this is that file; without the library libportaudio2 it cannot be imported
    except (ImportError, OSError) as error:
        raise SourceUnavailable(
            f"microphone: sounddevice cannot be used ({error}); `apt install libportaudio2` and install affectd[device]"
        ) from error
    return sounddevice
