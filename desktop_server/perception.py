"""What one precision makes of a picture, a sound or a film, by the appliance's own stages. No HTTP in here."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, Literal

import numpy as np
from numpy.typing import NDArray

from desktop_server.cancellation import Cancellation
from desktop_server.errors import RequestError
from desktop_server.recording import Tracks
from device.features.face import FaceCrop, framed_face, framed_square
from device.fusion.fuse import Fusion
from device.models.detect import Box, Face, FaceDetector
from device.models.face_emotion import FaceRecogniser, crop_of, read_crop
from device.models.net import FloatArray, Net, OpenNet
from device.models.sets import ModelSet
from device.models.speech_emotion import SpeechRecogniser
from device.models.track import every_face, largest_face
from device.pipeline import run_inline
from device.readings import Estimate, Modality, Reading
from device.signals import Frame
from device.stages import AnyLane, Consumed, Lane, Recogniser

Grey = NDArray[np.uint8]
Faces = Literal["all", "largest", "crop"]
"""Which faces of a picture are read; ``crop``: the picture is a face already, and none is looked for."""


@dataclass(slots=True)
class Stopwatch:
    """Seconds of a request by stage. ``deadline_s``: seconds of the monotonic clock after which it is given up."""

    deadline_s: float
    cancellation: Cancellation = field(default_factory=Cancellation)
    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.stages[name] = self.stages.get(name, 0.0) + time.perf_counter() - start

    def check(self) -> None:
        """Raises ``RequestError`` after the deadline, or once nobody waits for the answer."""
        self.cancellation.check()
        if time.monotonic() > self.deadline_s:
            raise RequestError("too-much-work", "this took too long to read; send less at once")


Inputs = Mapping[Modality, list[FloatArray]]
"""What the nets ate, in the order of their readings."""


class NotedNet:
    """A net that books its time and, if asked to, keeps what it ate for the request that is being worked on."""

    def __init__(self, net: Net) -> None:
        self.card = net.card
        self.net = net
        self.watch: Stopwatch | None = None
        self.kept: list[FloatArray] | None = None

    def __call__(self, values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once."""
        if self.kept is not None:
            self.kept.append(values)
        if self.watch is None:
            return self.net(values)
        with self.watch.stage("nets"):
            return self.net(values)


@dataclass(frozen=True, slots=True)
class SeenFace:
    """A face of a picture: where it is, how sure the detector is, and what was read."""

    box: Box
    score: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class Heard:
    """The readings of a recording or film in the order of their capture, and the estimates on the way."""

    readings: tuple[Reading, ...]
    estimates: tuple[Estimate, ...]


class Perception:
    """The eye and the ear of one precision. It belongs to one request at a time, as its detector does."""

    def __init__(self, models: ModelSet, open_net: OpenNet) -> None:
        self.models = models
        self._detector_net = open_net(models.detector, models.folder)
        self.detector = FaceDetector(self._detector_net)
        self.face_net = NotedNet(open_net(models.face, models.folder))
        self.speech_net = NotedNet(open_net(models.speech, models.folder))
        self._nets = {Modality.FACE: self.face_net, Modality.SPEECH: self.speech_net}

    @contextmanager
    def noted(self, watch: Stopwatch, *, keep: bool) -> Iterator[Inputs]:
        """Book the nets' time there meanwhile, and collect what they ate if it is to be kept."""
        inputs: dict[Modality, list[FloatArray]] = {modality: [] for modality in Modality}
        for modality, net in self._nets.items():
            net.watch, net.kept = watch, inputs[modality] if keep else None
        try:
            yield inputs
        finally:
            for net in self._nets.values():
                net.watch = net.kept = None

    def shared_net(self, modality: Modality) -> Net:
        """The net itself, which books nothing."""
        return self._nets[modality].net

    def typical(self, readings: Iterable[Reading], inputs: Inputs, estimate: Estimate) -> dict[Modality, FloatArray]:
        """Of each modality what was eaten for the reading that is surest of the estimate's best emotion."""
        if estimate.probs is None:
            return {}
        best = max(range(len(estimate.probs)), key=estimate.probs.__getitem__)
        said: dict[Modality, list[float]] = {}
        for reading in readings:
            said.setdefault(reading.modality, []).append(reading.probs[best])
        return {modality: inputs[modality][int(np.argmax(probs))] for modality, probs in said.items()}

    def faces(self, grey: Grey, wanted: Faces, watch: Stopwatch) -> list[SeenFace]:
        """The wanted faces of one picture, uint8 (height, width), the largest first."""
        if wanted == "crop":
            left, top, side = framed_square(grey)
            return [self._read(Box(left, top, side, side), 1.0, framed_face(grey))]
        with watch.stage("find_faces"):
            found = self._found(grey, wanted, watch)
        seen = []
        for face in found:
            with watch.stage("features"):
                crop = crop_of(Frame(0, grey), face)
            if crop is not None:
                seen.append(self._read(face.box, face.score, crop))
        return seen

    def _found(self, grey: Grey, wanted: Faces, watch: Stopwatch) -> list[Face]:
        def look(picture: Grey, view: Box | None) -> list[Face]:
            watch.check()  # a large picture has hundreds of views
            return self.detector(picture, view)

        if wanted == "all":
            return every_face(look, grey)
        largest = largest_face(look, grey)
        return [] if largest is None else [largest]

    def _read(self, box: Box, score: float, crop: FaceCrop) -> SeenFace:
        return SeenFace(box, score, read_crop(self.face_net, crop, 0))

    def follow(self, tracks: Tracks, modalities: Iterable[Modality], fusion: Fusion, watch: Stopwatch) -> Heard:
        """What is seen and heard of a recording or film on the way, as ``device.app.replay_estimates`` says it."""
        readings: list[Reading] = []
        lanes: list[AnyLane] = []
        if (video := tracks.video) is not None and Modality.FACE in modalities:
            seer = FaceRecogniser(self.detector, self.face_net)
            lanes.append(Lane("camera", lambda: video, _Noted(seer, readings, watch)))
        if (audio := tracks.audio) is not None and Modality.SPEECH in modalities:
            hearer = SpeechRecogniser(self.speech_net)
            lanes.append(Lane("microphone", lambda: audio, _Noted(hearer, readings, watch)))
        with watch.stage("all"):
            estimates = tuple(run_inline(lanes, fusion))
        return Heard(tuple(sorted(readings, key=lambda reading: reading.captured_ns)), estimates)


class _Noted(Generic[Consumed]):
    """A recogniser whose readings and time are noted."""

    def __init__(self, recognise: Recogniser[Consumed], readings: list[Reading], watch: Stopwatch) -> None:
        self._recognise, self._readings, self._watch = recognise, readings, watch

    def __call__(self, signal: Consumed) -> Reading | None:
        self._watch.check()
        with self._watch.stage("recognise"):
            return self._note(self._recognise(signal))

    def finish(self) -> Reading | None:
        with self._watch.stage("recognise"):
            return self._note(self._recognise.finish())

    def _note(self, reading: Reading | None) -> Reading | None:
        if reading is not None:
            self._readings.append(reading)
        return reading


def fused_once(readings: Mapping[Modality, Reading], fusion: Fusion) -> Estimate:
    """One estimate of readings that belong together, whatever time they were taken at; ``nobody`` without any."""
    estimate = None
    for reading in readings.values():
        estimate = fusion.step(reading)
    if estimate is None:
        fusion.tick(0)
        estimate = fusion.tick(10**10)
        assert estimate is not None, "time alone brings an estimate"
    return estimate
