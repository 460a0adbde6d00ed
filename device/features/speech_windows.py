"""Windowing of speech for a model: only where somebody speaks, never across a gap."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from device.arrays import PcmArray
from device.features.bandwidth import BandwidthMeter
from device.features.frames import FrameStream, SpeechFrames
from device.features.hum import HumFilter
from device.features.mel import HOP_SAMPLES, WINDOW_SAMPLES
from device.features.speech import SpeechFeatures
from device.features.voice_activity import SpeechSegment, VoiceActivityDetector
from device.signals import SAMPLE_RATE_HZ, AudioBlock

MIN_SAMPLES = SAMPLE_RATE_HZ // 2
"""A segment shorter than 0.5 s gives no window: there is no half a word in it."""

MAX_LOST_SAMPLES = SAMPLE_RATE_HZ // 2
"""A loss of up to 0.5 s, as of a busy machine, leaves what was learnt of the stream. Two clips of a replay lie further
apart."""
_KEPT_SAMPLES = WINDOW_SAMPLES + SAMPLE_RATE_HZ
_NS_PER_SAMPLE = 1_000_000_000 // SAMPLE_RATE_HZ  # exact at 16 kHz


@dataclass(frozen=True, eq=False, slots=True)
class Window:
    """At most the last 3 s of a voiced segment.

    ``captured_ns`` is the capture time of its end, ``end_sample`` the number of the sample after it; ``features`` is
    what the model takes, float32 (rows, 40); ``snr_db`` the voice's level above the noise floor; ``bandwidth_hz``
    how far up the stream's voices reach.
    """

    captured_ns: int
    end_sample: int
    features: NDArray[np.float32]
    snr_db: float
    bandwidth_hz: float


class SpeechWindower:
    """Cuts a stream of blocks, freed of offset and hum, into windows; how it is cut into blocks does not change them.

    Within a segment there is one at each 0.75 s from its beginning, and one at its end: where silence, a gap or the
    end of the stream is. A segment that is known to be speech only after several hops gives the last of these.
    ``features`` makes what the model takes of the frames in a window; it belongs to this stream, and forgets it where
    the stream ends, goes back, or lacks more than half a second.
    """

    def __init__(self, features: SpeechFeatures) -> None:
        self._features = features
        self._vad, self._without_hum = VoiceActivityDetector(), HumFilter()
        self._sound = _RecentSound(0, 0)
        self._open: _GrowingSegment | None = None
        self._bandwidth = BandwidthMeter()
        self._is_fresh = True

    def push(self, block: AudioBlock) -> list[Window]:
        """The windows that this block completes."""
        windows: list[Window] = []
        if self._is_fresh or block.first_sample != self._sound.end_sample:
            windows = self._end_at_gap(block.first_sample)
            if self._is_elsewhere(block):
                self._features.forget()
            self._sound = _RecentSound(block.first_sample, block.captured_ns)
            self._without_hum.reset()
        self._is_fresh = False
        heard = self._without_hum(block.samples)
        self._sound.push(heard, block.captured_ns)
        windows += self._windows(self._vad.push(heard))
        self._sound.forget()
        return windows

    def finish(self) -> list[Window]:
        """The window that is still due at the end of the stream; another stream may follow."""
        self._is_fresh = True
        windows = self._end_at_gap(0)
        self._features.forget()
        return windows

    def _is_elsewhere(self, block: AudioBlock) -> bool:
        """Whether the block is of another recording or a microphone opened anew: it may be another room's."""
        lost_samples = block.first_sample - self._sound.end_sample
        return not 0 <= lost_samples <= MAX_LOST_SAMPLES

    def _end_at_gap(self, next_sample: int) -> list[Window]:
        windows = self._windows(self._vad.finish(next_sample))
        self._bandwidth = BandwidthMeter()
        return windows

    def _windows(self, segments: list[SpeechSegment]) -> list[Window]:
        found = (self._window(segment) for segment in segments)
        return [window for window in found if window]

    def _window(self, segment: SpeechSegment) -> Window | None:
        growing = self._open or _GrowingSegment(segment)
        self._open = None if segment.ended else growing
        end = growing.due(segment)
        if end is None:
            return None
        frames = growing.frames(self._sound, end)
        self._bandwidth.update(frames)
        features = self._features(frames)
        return Window(self._sound.captured_ns(end), end, features, segment.snr_db, self._bandwidth.hz)


class _GrowingSegment:
    """A segment known to be speech: which window is due, and its frames so far."""

    def __init__(self, segment: SpeechSegment) -> None:
        self._first = segment.first_sample
        # Told of late, a segment may be longer than the sound that is still needed of it, and kept.
        self._pushed_to = max(segment.first_sample, segment.end_sample - WINDOW_SAMPLES)
        self._last_end = segment.first_sample
        self._frames = FrameStream()

    def due(self, segment: SpeechSegment) -> int | None:
        """The end of the window that is due now."""
        hops = (segment.end_sample - self._first) // HOP_SAMPLES
        end = segment.end_sample if segment.ended else self._first + hops * HOP_SAMPLES
        if end <= self._last_end or end - self._first < MIN_SAMPLES:
            return None
        self._last_end = end
        return end

    def frames(self, sound: _RecentSound, end: int) -> SpeechFrames:
        self._frames.push(sound.between(self._pushed_to, end))
        self._pushed_to = end
        return self._frames.window()


class _RecentSound:
    """The last seconds of a stream without a gap."""

    def __init__(self, first_sample: int, captured_ns: int) -> None:
        self._first = self.end_sample = first_sample
        self._blocks: deque[PcmArray] = deque()
        self._anchor = (first_sample, captured_ns)

    def push(self, samples: PcmArray, captured_ns: int) -> None:
        self._anchor = (self.end_sample, captured_ns)
        self._blocks.append(samples)
        self.end_sample += len(samples)

    def forget(self) -> None:
        """Drop what no window can need any more."""
        while self._blocks and self.end_sample - self._first - len(self._blocks[0]) >= _KEPT_SAMPLES:
            self._first += len(self._blocks.popleft())

    def between(self, first: int, end: int) -> PcmArray:
        return np.concatenate(self._blocks)[first - self._first : end - self._first]

    def captured_ns(self, sample: int) -> int:
        """The capture time of a sample, by the newest block's clock."""
        anchor_sample, anchor_ns = self._anchor
        return anchor_ns + (sample - anchor_sample) * _NS_PER_SAMPLE
