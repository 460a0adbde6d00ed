"""Questions to answers: media in, what float (and, if asked, int8) makes of them out. Called from many threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from desktop_server import answer as parts
from desktop_server import compose
from desktop_server.cancellation import Cancellation
from desktop_server.decoding.pool import Decoders
from desktop_server.errors import RequestError
from desktop_server.explanation import Evidence, explain
from desktop_server.lending import Lending
from desktop_server.perception import Faces, Grey, Heard, Perception, SeenFace, Stopwatch, fused_once
from desktop_server.recording import Tracks
from device.capture.turned import turned, upright
from device.clips import mean_readings
from device.fusion.fuse import Fusion
from device.models.sets import ModelSet
from device.readings import EMOTIONS, Estimate, Modality

LONG_BYTES = 2**18
"""Eight seconds of sound at 16 kHz, or a few of a film."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``picture`` and ``recording`` (a sound or a film) are the files' bytes; one of them is there.

    Pictures are turned clockwise by ``turn`` degrees (0, 90, 180, 270) before anything is looked for.
    """

    mode: parts.Mode
    rule: parts.Rule
    picture: bytes | None = None
    recording: bytes | None = None
    compare: bool = False
    explain: bool = False
    faces: Faces = "all"
    turn: int = 0
    cancellation: Cancellation = field(default_factory=Cancellation)
    asked_s: float = field(default_factory=time.perf_counter)

    @property
    def is_long(self) -> bool:
        """Whether it is likely to take more than a second."""
        return self.recording is not None and len(self.recording) > LONG_BYTES


class Fusions(Protocol):
    """The fusions that settings and a rule make."""

    def once(self, rule: str) -> Fusion:
        """For readings that belong together: nothing is smoothed or held."""

    def along(self, rule: str, *, face_lasts: bool) -> Fusion:
        """For a way through a recording; ``face_lasts``: a single picture stands for all of it."""


@dataclass(frozen=True, slots=True)
class Precision:
    """One precision: what it is called, its nets, and several perceptions of it."""

    precision: parts.Precision
    runtime: str
    models: ModelSet
    perceptions: Lending[Perception]

    def described_for(self, mode: parts.Mode) -> parts.Models:
        """For an answer in this mode."""
        return self.described(_MODALITIES[mode])

    def described(self, modalities: frozenset[Modality]) -> parts.Models:
        """For an answer that these were asked for."""
        return parts.Models(
            precision=self.precision,
            runtime=self.runtime,
            model_set=self.models.name,
            face=compose.model(self.models.face) if Modality.FACE in modalities else None,
            speech=compose.model(self.models.speech) if Modality.SPEECH in modalities else None,
        )


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The media: a decoded picture, the tracks of a recording."""

    grey: Grey | None
    tracks: Tracks | None


@dataclass(frozen=True, slots=True)
class _Verdict:
    """What one precision made of the evidence."""

    estimate: Estimate
    timeline: tuple[Estimate, ...]
    faces: list[SeenFace]
    explanation: parts.Explanation | None


class Answerer:
    """Answers one question after the other, or several at once, each in its caller's thread."""

    def __init__(
        self,
        *,
        full: Precision,
        int8: Precision,
        fusions: Fusions,
        uncertain_below: float,
        smooth_s: float,
        hold_s: float,
        decoders: Decoders,
        work_s: float,
    ) -> None:
        self._full, self._int8, self._fusions = full, int8, fusions
        self._uncertain_below, self._smooth_s, self._hold_s = uncertain_below, smooth_s, hold_s
        self._decoders, self._work_s = decoders, work_s

    def __call__(self, question: Question) -> parts.Answer:
        """The answer. Raises ``RequestError``."""
        started_s = time.perf_counter()
        watch = Stopwatch(time.monotonic() + self._work_s, question.cancellation)
        watch.check()  # it may have waited for long
        modalities = _MODALITIES[question.mode]
        with self._evidence(question, modalities, watch) as evidence:
            verdict = self._verdict(self._full, evidence, question, watch, explain=question.explain)
            other = self._other(evidence, question, watch) if question.compare else None
        return parts.Answer(
            mode=question.mode,
            fusion=question.rule,
            uncertain_below=self._uncertain_below,
            smooth_s=self._smooth_s,
            hold_s=self._hold_s,
            modalities_used=[name for m, name in _NAMES if verdict.estimate.modalities[m].present],
            estimate=compose.estimate(verdict.estimate, uncertain_below=self._uncertain_below),
            timeline=self._timeline(verdict),
            faces=[self._face(number, seen) for number, seen in enumerate(verdict.faces)],
            picture=_size(evidence.grey),
            models=self._full.described(modalities),
            int8=None if other is None else self._opinion(other, modalities),
            explanation=verdict.explanation,
            timings_ms=_timings(watch, question.asked_s, started_s),
        )

    def _other(self, evidence: _Evidence, question: Question, watch: Stopwatch) -> _Verdict:
        """What int8 makes of it, on a watch of its own: the answer's times are float's."""
        own = Stopwatch(watch.deadline_s, watch.cancellation)
        return self._verdict(self._int8, evidence, question, own, explain=False)

    @contextmanager
    def _evidence(self, question: Question, modalities: frozenset[Modality], watch: Stopwatch) -> Iterator[_Evidence]:
        with watch.stage("decode"):
            grey = self._picture(question, watch)
        if question.recording is None:
            yield _Evidence(grey, None)
            return
        with ExitStack() as opened:
            with watch.stage("decode"):
                tracks = opened.enter_context(self._decoders.recording(question.recording, watch.check))
            _require_tracks(tracks, modalities, has_picture=grey is not None)
            if tracks.video is not None:
                tracks = replace(tracks, video=upright(tracks.video, turn=question.turn, mirror=False))
            yield _Evidence(grey, tracks)

    def _picture(self, question: Question, watch: Stopwatch) -> Grey | None:
        if question.picture is None:
            return None
        return turned(self._decoders.picture(question.picture, watch.check), question.turn)

    def _verdict(
        self, precision: Precision, evidence: _Evidence, question: Question, watch: Stopwatch, *, explain: bool
    ) -> _Verdict:
        with precision.perceptions.one() as perception, perception.noted(watch, keep=explain) as inputs:
            faces = [] if evidence.grey is None else perception.faces(evidence.grey, question.faces, watch)
            heard = self._heard(perception, evidence, faces, question, watch)
            readings = [*(seen.reading for seen in faces[:1]), *heard.readings]
            means = mean_readings(readings)
            estimate = fused_once(means, self._fusions.once(question.rule))
            seen = perception.typical(readings, inputs, estimate) if explain else {}
        evidence_of = {m: Evidence(perception.shared_net(m), values, means[m]) for m, values in seen.items()}
        return _Verdict(estimate, heard.estimates, faces, _explanation(evidence_of, estimate))

    def _heard(
        self, perception: Perception, evidence: _Evidence, faces: list[SeenFace], question: Question, watch: Stopwatch
    ) -> Heard:
        if evidence.tracks is None:
            return Heard((), ())
        modalities = _MODALITIES[question.mode]
        fusion = self._fusions.along(question.rule, face_lasts=evidence.grey is not None)
        if evidence.grey is not None:
            modalities -= {Modality.FACE}  # the picture has it
            for seen in faces[:1]:
                fusion.step(seen.reading)
        return perception.follow(evidence.tracks, modalities, fusion, watch)

    def _timeline(self, verdict: _Verdict) -> list[parts.Moment]:
        return [compose.moment(said, uncertain_below=self._uncertain_below) for said in verdict.timeline]

    def _opinion(self, verdict: _Verdict, modalities: frozenset[Modality]) -> parts.Opinion:
        return parts.Opinion(
            models=self._int8.described(modalities),
            estimate=compose.estimate(verdict.estimate, uncertain_below=self._uncertain_below),
            timeline=self._timeline(verdict),
        )

    def _face(self, number: int, seen: SeenFace) -> parts.Face:
        probs = compose.probs(seen.reading.probs)
        assert probs is not None, "a reading has probabilities"
        return parts.Face(
            box=compose.box(seen.box),
            score=compose.rounded(seen.score),
            quality=compose.rounded(seen.reading.quality),
            is_used=number == 0,
            label=compose.label(seen.reading.probs, uncertain_below=self._uncertain_below),
            probs=probs,
        )


_NAMES: tuple[tuple[Modality, Literal["face", "speech"]], ...] = ((Modality.FACE, "face"), (Modality.SPEECH, "speech"))
_MODALITIES: dict[parts.Mode, frozenset[Modality]] = {
    "face": frozenset([Modality.FACE]),
    "speech": frozenset([Modality.SPEECH]),
    "both": frozenset(Modality),
}


def _explanation(evidence: Mapping[Modality, Evidence], estimate: Estimate) -> parts.Explanation | None:
    """Why the best emotion is it, also where it is not said for want of certainty; nothing where nobody is."""
    if estimate.probs is None or not evidence:
        return None
    best = max(range(len(EMOTIONS)), key=estimate.probs.__getitem__)
    return explain(evidence, rule=estimate.rule, label=EMOTIONS[best])


def _require_tracks(tracks: Tracks, modalities: frozenset[Modality], *, has_picture: bool) -> None:
    if modalities == {Modality.SPEECH} and tracks.audio is None:
        raise RequestError("nothing-to-read", "there is no sound in this file; send one with sound")
    if not has_picture and modalities == {Modality.FACE} and tracks.video is None:
        raise RequestError("nothing-to-read", "there is no picture in this file; send a film or a picture")


def _size(grey: Grey | None) -> parts.Size | None:
    return None if grey is None else parts.Size(width_px=grey.shape[1], height_px=grey.shape[0])


def _timings(watch: Stopwatch, asked_s: float, started_s: float) -> parts.Timings:
    """``all`` and ``recognise`` are of recordings, which are decoded while they are read."""
    stages = watch.stages
    nets = stages.get("nets", 0.0)
    recognise = stages.get("recognise", 0.0)
    decoded = stages.get("decode", 0.0) + stages.get("all", 0.0) - recognise
    in_recording = recognise - nets if recognise else 0.0
    return parts.Timings(
        decode=_ms(decoded),
        find_faces=_ms(stages["find_faces"]) if "find_faces" in stages else None,
        features=_ms(stages.get("features", 0.0) + max(0.0, in_recording)),
        nets=_ms(nets),
        queued=_ms(started_s - asked_s),
        total=_ms(time.perf_counter() - asked_s),
    )


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
