"""A live stream: pictures and sound in, the estimates of each model variant out, as an appliance publishes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from desktop_server.analysis.model_variant import FusionFactory, ModelVariant
from device.arrays import GreyArray
from device.capture.blocks import BlockMaker
from device.capture.picture_watch import PictureWatch
from device.capture.replay import BLOCK_MS
from device.features.speech_front_end import SpeechFrontEnd
from device.fusion.temporal import TemporalFusion
from device.models.detect import Box, Face
from device.models.face_emotion import FaceFrontEnd
from device.models.recogniser import read
from device.pipeline.blindness import in_short
from device.readings import Estimate, Modality, Reading
from device.signals import SAMPLE_RATE_HZ, AudioBlock, Frame

SOUND_TIMEOUT_NS = 3_000_000_000
"""Sound that came no longer ago counts as present: chunks may have two seconds."""
MAX_GAP_S = 0.1
"""Chunks whose time jumps by more are not one sound: the window starts anew. Smaller jumps are the network's."""


@dataclass(frozen=True, slots=True)
class StreamUpdate:
    """The newest estimate of each variant after a signal, in their order; empty where nothing is due.

    ``warning``: why the pictures are not trusted and no face is read; empty if they are.
    """

    estimates: tuple[Estimate, ...]
    face: Face | None = None
    warning: str = ""


class LiveAnalysis:
    """One stream. It belongs to one thread at a time. ``rate_hz``: of the sound; times are the sender's, in ns."""

    def __init__(self, variants: Sequence[ModelVariant], fusions: FusionFactory, *, rule: str, rate_hz: int) -> None:
        self._variants = variants
        self._fusions: list[TemporalFusion] = [fusions.temporal(rule, face_persists=False) for _ in variants]
        self._face, self._watch = FaceFrontEnd(self._detect, self._detect_close), PictureWatch()
        self._speech = SpeechFrontEnd(variants[0].models.card(Modality.SPEECH).features)
        self._blocks = BlockMaker(rate_hz=rate_hz, block_ms=BLOCK_MS)
        self._rate_hz, self._expected = rate_hz, 0
        self._last_sound_ns: int | None = None

    def add_picture(self, captured_ns: int, grey: GreyArray) -> StreamUpdate:
        """Analyse a picture, uint8 (height, width)."""
        frame = Frame(captured_ns, grey)
        self._watch.see(captured_ns, grey)
        given = None if self._watch.warning else self._face(frame)
        face = None if self._watch.warning else self._face.face
        readings: list[Reading | None] = [None] * len(self._variants)
        if given is not None:
            for number, variant in enumerate(self._variants):
                with variant.analyzers.acquire() as analyzer:
                    readings[number] = read(Modality.FACE, analyzer.face_net, given)
        self._face.follow_up()
        if self._watch.warning and not self._has_sound(captured_ns):
            return StreamUpdate(self._lose(captured_ns), None, self._watch.warning)
        return StreamUpdate(self._step(captured_ns, readings), face, self._watch.warning)

    def add_sound(self, captured_ns: int, samples: NDArray[np.int16]) -> StreamUpdate:
        """Analyse a chunk of sound: mono, at the stream's rate; ``captured_ns`` is of its first sample."""
        estimates: tuple[Estimate, ...] = ()
        for block in self._converted(captured_ns, samples):
            self._last_sound_ns = block.captured_ns
            readings: list[Reading | None] = [None] * len(self._variants)
            if (given := self._speech(block)) is not None:
                for number, variant in enumerate(self._variants):
                    with variant.analyzers.acquire() as analyzer:
                        readings[number] = read(Modality.SPEECH, analyzer.speech_net, given)
            estimates = self._step(block.captured_ns, readings) or estimates
        return StreamUpdate(estimates, warning=self._watch.warning)

    def _detect(self, grey: GreyArray, view: Box | None) -> list[Face]:
        with self._variants[0].analyzers.acquire() as analyzer:
            return analyzer.detector(grey, view)

    def _detect_close(self, grey: GreyArray, view: Box | None) -> list[Face]:
        with self._variants[0].analyzers.acquire() as analyzer:
            return analyzer.close_detector(grey, view)

    def _converted(self, captured_ns: int, samples: NDArray[np.int16]) -> Iterator[AudioBlock]:
        first = round(captured_ns * self._rate_hz / 1e9)
        if first <= self._expected + MAX_GAP_S * self._rate_hz:
            first = self._expected
        self._expected = first + len(samples)
        for block in self._blocks.push(first, samples.astype(np.float32) / np.float32(32768)):
            yield AudioBlock(round(block.first_sample * 1e9 / SAMPLE_RATE_HZ), block.first_sample, block.samples)

    def _has_sound(self, now_ns: int) -> bool:
        return self._last_sound_ns is not None and now_ns - self._last_sound_ns < SOUND_TIMEOUT_NS

    def _lose(self, captured_ns: int) -> tuple[Estimate, ...]:
        reason = in_short("camera", self._watch.warning)
        return tuple(e for fusion in self._fusions if (e := fusion.lose(captured_ns, reason)))

    def _step(self, captured_ns: int, readings: Sequence[Reading | None]) -> tuple[Estimate, ...]:
        """The newest estimate of each variant, or of none: they have readings at the same times."""
        newest: list[Estimate] = []
        for fusion, reading in zip(self._fusions, readings, strict=True):
            if estimate := fusion.tick(captured_ns) if reading is None else fusion.step(reading):
                newest.append(estimate)
        return tuple(newest)
