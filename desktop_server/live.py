"""A live stream of pictures and sound: signals in, the estimates of each precision out, as an appliance says them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_server.answering import Fusions, Precision
from device.blindness import in_short
from device.capture.blocks import BlockMaker
from device.capture.picture_watch import PictureWatch
from device.features.framing import Framer
from device.features.speech import SPEECH_FEATURES
from device.fusion.fuse import Fusion
from device.models.detect import Box, Face
from device.models.face_emotion import crop_of, read_crop
from device.models.speech_emotion import read_window
from device.models.track import FaceTracker
from device.readings import Estimate, Reading
from device.signals import RATE_HZ, AudioBlock, Frame

BLOCK_MS = 30
SOUND_LASTS_NS = 3_000_000_000
"""While sound came no longer ago somebody listens: chunks may have two seconds."""
HOLE_S = 0.1
"""Chunks whose time jumps by more are not one sound: the window starts anew. Smaller jumps are the network's."""

Grey = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Said:
    """The newest estimate of each precision after a signal, in their order; empty where nothing is due.

    ``problem``: why the pictures are not believed and no face is read; empty if they are.
    """

    estimates: tuple[Estimate, ...]
    face: Face | None = None
    problem: str = ""


class Live:
    """One stream. It belongs to one thread at a time. ``rate_hz``: of the sound; times are the sender's, in ns."""

    def __init__(self, precisions: Sequence[Precision], fusions: Fusions, *, rule: str, rate_hz: int) -> None:
        self._precisions = precisions
        self._fused: list[Fusion] = [fusions.along(rule, face_lasts=False) for _ in precisions]
        self._tracker, self._watch = FaceTracker(self._detect), PictureWatch()
        self._framer = Framer(SPEECH_FEATURES[precisions[0].models.speech.features])
        self._blocks = BlockMaker(rate_hz=rate_hz, block_ms=BLOCK_MS)
        self._rate_hz, self._expected = rate_hz, 0
        self._heard_ns: int | None = None

    def see(self, captured_ns: int, grey: Grey) -> Said:
        """Take a picture in, uint8 (height, width)."""
        frame = Frame(captured_ns, grey)
        self._watch.see(captured_ns, grey)
        face = None if self._watch.problem else self._tracker(frame)
        crop = None if face is None else crop_of(frame, face)
        readings: list[Reading | None] = [None] * len(self._precisions)
        if crop is not None:
            for number, precision in enumerate(self._precisions):
                with precision.perceptions.one() as perception:
                    readings[number] = read_crop(perception.face_net, crop, captured_ns)
        if self._watch.problem and not self._listens(captured_ns):
            return Said(self._lose(captured_ns), None, self._watch.problem)
        return Said(self._step(captured_ns, readings), face, self._watch.problem)

    def hear(self, captured_ns: int, samples: NDArray[np.int16]) -> Said:
        """Take a piece of sound in: mono, at the stream's rate; ``captured_ns`` is of its first sample."""
        estimates: tuple[Estimate, ...] = ()
        for block in self._converted(captured_ns, samples):
            self._heard_ns = block.captured_ns
            readings: list[Reading | None] = [None] * len(self._precisions)
            if windows := self._framer.push(block):
                for number, precision in enumerate(self._precisions):
                    with precision.perceptions.one() as perception:
                        readings[number] = read_window(perception.speech_net, windows[-1])
            estimates = self._step(block.captured_ns, readings) or estimates
        return Said(estimates, problem=self._watch.problem)

    def _detect(self, grey: Grey, view: Box | None) -> list[Face]:
        with self._precisions[0].perceptions.one() as perception:
            return perception.detector(grey, view)

    def _converted(self, captured_ns: int, samples: NDArray[np.int16]) -> Iterator[AudioBlock]:
        first = round(captured_ns * self._rate_hz / 1e9)
        if first <= self._expected + HOLE_S * self._rate_hz:
            first = self._expected
        self._expected = first + len(samples)
        for block in self._blocks.push(first, samples.astype(np.float32) / np.float32(32768)):
            yield AudioBlock(round(block.first_sample * 1e9 / RATE_HZ), block.first_sample, block.samples)

    def _listens(self, now_ns: int) -> bool:
        return self._heard_ns is not None and now_ns - self._heard_ns < SOUND_LASTS_NS

    def _lose(self, captured_ns: int) -> tuple[Estimate, ...]:
        reason = in_short("camera", self._watch.problem)
        return tuple(e for fusion in self._fused if (e := fusion.lose(captured_ns, reason)))

    def _step(self, captured_ns: int, readings: Sequence[Reading | None]) -> tuple[Estimate, ...]:
        """The newest estimate of each precision, or of none: they have readings at the same times."""
        newest: list[Estimate] = []
        for fusion, reading in zip(self._fused, readings, strict=True):
            if estimate := fusion.tick(captured_ns) if reading is None else fusion.step(reading):
                newest.append(estimate)
        return tuple(newest)
