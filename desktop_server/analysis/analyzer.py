"""The analyzer of one model variant: pictures and recordings to readings, by the appliance's own stages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Literal

import numpy as np

from desktop_server.analysis.cancellation import Stopwatch
from desktop_server.analysis.decoding.recording import Tracks
from device.arrays import FloatArray, GreyArray
from device.features.face import FaceCrop, framed_face, framed_square
from device.features.front_end import ModelInput
from device.models.detect import Box, Face, FaceDetector, close_card
from device.models.face_emotion import FaceRecogniser, crop_of
from device.models.net import Net, NetLoader
from device.models.recogniser import read
from device.models.sets import ModelSet
from device.models.speech_emotion import SpeechRecogniser
from device.models.track import every_face, largest_face
from device.pipeline.run import run_inline
from device.readings import Estimate, Modality, Reading
from device.signals import Frame
from device.stages import AnyBranch, Branch, Consumed, Fuser, Recogniser

Faces = Literal["all", "largest", "crop"]
"""Which faces of a picture are read; ``crop``: the picture is a face already, and none is looked for."""


_Inputs = Mapping[Modality, list[FloatArray]]
"""The nets' inputs, in the order of their readings."""


class InstrumentedNet:
    """A net that measures its time and, where that is asked, keeps its inputs, for the request that is worked on."""

    def __init__(self, net: Net) -> None:
        self.card = net.card
        self.net = net
        self.watch: Stopwatch | None = None
        self.inputs: list[FloatArray] | None = None

    def __call__(self, *values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once."""
        if self.inputs is not None:
            self.inputs += values
        if self.watch is None:
            return self.net(*values)
        with self.watch.stage("nets"):
            return self.net(*values)

    def keep_input_of(self, reading: int) -> None:
        """Keep an input for the reading of that number, from 1: the last one where none was read again for it."""
        if self.inputs is not None and len(self.inputs) < reading:
            self.inputs.append(self.inputs[-1])


@dataclass(frozen=True, slots=True)
class AnalyzedFace:
    """A face of a picture: where it is, the detector's score, and its reading."""

    box: Box
    score: float
    reading: Reading


@dataclass(frozen=True, slots=True)
class RecordingResult:
    """The readings of a recording or film in the order of their capture, and the estimates on the way."""

    readings: tuple[Reading, ...]
    estimates: tuple[Estimate, ...]


class Analyzer:
    """Detector and nets of one variant. It belongs to one request at a time, as its detector does."""

    def __init__(self, models: ModelSet, load_net: NetLoader) -> None:
        self.models = models
        self.detector = FaceDetector(load_net(models.detector, models.folder))
        self.close_detector = FaceDetector(load_net(close_card(models.detector), models.folder))
        self.face_net = InstrumentedNet(load_net(models.card(Modality.FACE), models.folder))
        self.speech_net = InstrumentedNet(load_net(models.card(Modality.SPEECH), models.folder))
        self._nets = {Modality.FACE: self.face_net, Modality.SPEECH: self.speech_net}

    @contextmanager
    def instrumented(self, watch: Stopwatch, *, keep: bool) -> Iterator[_Inputs]:
        """Measure the nets' time meanwhile, and collect their inputs if they are to be kept."""
        inputs: dict[Modality, list[FloatArray]] = {modality: [] for modality in Modality}
        for modality, net in self._nets.items():
            net.watch, net.inputs = watch, inputs[modality] if keep else None
        try:
            yield inputs
        finally:
            for net in self._nets.values():
                net.watch = net.inputs = None

    def shared_net(self, modality: Modality) -> Net:
        """The net itself, which measures nothing."""
        return self._nets[modality].net

    def representative_inputs(
        self, readings: Iterable[Reading], inputs: _Inputs, estimate: Estimate
    ) -> dict[Modality, FloatArray]:
        """Of each modality the input whose reading gives the estimate's best emotion the highest probability."""
        if estimate.probs is None:
            return {}
        best = max(range(len(estimate.probs)), key=estimate.probs.__getitem__)
        by_modality: dict[Modality, list[float]] = {}
        for reading in readings:
            by_modality.setdefault(reading.modality, []).append(reading.probs[best])
        return {modality: inputs[modality][int(np.argmax(probs))] for modality, probs in by_modality.items()}

    def analyze_picture(self, grey: GreyArray, wanted: Faces, watch: Stopwatch) -> list[AnalyzedFace]:
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

    def _found(self, grey: GreyArray, wanted: Faces, watch: Stopwatch) -> list[Face]:
        def look(picture: GreyArray, view: Box | None) -> list[Face]:
            watch.check()  # a large picture has hundreds of views
            return self.detector(picture, view)

        if wanted == "all":
            return every_face(look, grey)
        largest = largest_face(look, grey)
        return [] if largest is None else [largest]

    def _read(self, box: Box, score: float, crop: FaceCrop) -> AnalyzedFace:
        return AnalyzedFace(box, score, read(Modality.FACE, self.face_net, ModelInput(0, crop.pixels, crop.quality)))

    def analyze_recording(
        self, tracks: Tracks, modalities: Iterable[Modality], fusion: Fuser, watch: Stopwatch
    ) -> RecordingResult:
        """The readings and estimates of a recording or film, as ``device.app.replay_estimates`` has them."""
        readings: list[Reading] = []
        branches: list[AnyBranch] = []
        if (video := tracks.video) is not None and Modality.FACE in modalities:
            face = FaceRecogniser(self.detector, self.face_net, close=self.close_detector)
            branches.append(
                Branch("camera", lambda: video, _InstrumentedRecogniser(face, self.face_net, readings, watch))
            )
        if (audio := tracks.audio) is not None and Modality.SPEECH in modalities:
            speech = SpeechRecogniser(self.speech_net)
            branches.append(
                Branch("microphone", lambda: audio, _InstrumentedRecogniser(speech, self.speech_net, readings, watch))
            )
        watch.progress.begin_pass(tracks.length_s)
        with watch.stage("all"):
            estimates = tuple(run_inline(branches, fusion))
        return RecordingResult(tuple(sorted(readings, key=lambda reading: reading.captured_ns)), estimates)


class _InstrumentedRecogniser(Generic[Consumed]):
    """A recogniser whose readings are kept, each with an input, and whose time is measured."""

    def __init__(
        self, recognise: Recogniser[Consumed], net: InstrumentedNet, readings: list[Reading], watch: Stopwatch
    ) -> None:
        self._recognise, self._net, self._readings, self._watch = recognise, net, readings, watch
        self._count = 0

    def __call__(self, signal: Consumed) -> Reading | None:
        self._watch.check()
        self._watch.progress.reach(signal.captured_ns)
        with self._watch.stage("recognise"):
            return self._record(self._recognise(signal))

    def follow_up(self) -> None:
        with self._watch.stage("recognise"):
            self._recognise.follow_up()

    def finish(self) -> Reading | None:
        with self._watch.stage("recognise"):
            return self._record(self._recognise.finish())

    def _record(self, reading: Reading | None) -> Reading | None:
        if reading is not None:
            self._readings.append(reading)
            self._count += 1
            self._net.keep_input_of(self._count)
        return reading
