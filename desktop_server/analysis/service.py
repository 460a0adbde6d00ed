"""The analysis service: media in, the response of float (and, if asked, int8) nets out. Called from many threads."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from desktop_server.analysis.analyzer import AnalyzedFace, Analyzer, RecordingResult
from desktop_server.analysis.cancellation import Stopwatch
from desktop_server.analysis.decoding.pool import DecoderPool
from desktop_server.analysis.decoding.recording import Tracks
from desktop_server.analysis.every_rule import EveryRule
from desktop_server.analysis.explanation import ModalityInput, explain
from desktop_server.analysis.model_variant import MODALITIES_OF_MODE, FusionFactory, ModelVariant
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.schema import analysis as schema
from desktop_server.schema import serialize
from desktop_server.schema.problems import RequestError
from device.arrays import GreyArray
from device.capture.turned import turned, upright
from device.fusion.clips import mean_readings
from device.readings import EMOTIONS, RULE_NAMES, Estimate, Modality, Reading, RuleName

_NAMES: tuple[tuple[Modality, Literal["face", "speech"]], ...] = ((Modality.FACE, "face"), (Modality.SPEECH, "speech"))


@dataclass(frozen=True, slots=True)
class _Media:
    """Decoded media: a picture, the tracks of a recording."""

    grey: GreyArray | None
    tracks: Tracks | None


@dataclass(frozen=True, slots=True)
class _Result:
    """What one variant made of the media. ``means`` are the whole's readings, which rules are applied to.

    ``timelines`` are the rules' own, of those that were asked for.
    """

    means: Mapping[Modality, Reading]
    timelines: Mapping[str, Sequence[Estimate]]
    estimate: Estimate
    timeline: tuple[Estimate, ...]
    faces: list[AnalyzedFace]
    explanation: schema.Explanation | None


class AnalysisService:
    """Analyses requests, several at once, each in its caller's thread."""

    def __init__(
        self,
        *,
        full: ModelVariant,
        int8: ModelVariant,
        fusions: FusionFactory,
        decoders: DecoderPool,
        work_s: float,
    ) -> None:
        self._full, self._int8, self._fusions, self._parameters = full, int8, fusions, fusions.parameters
        self._decoders, self._work_s = decoders, work_s

    @property
    def work_s(self) -> float:
        """How long one request may take."""
        return self._work_s

    def __call__(self, request: AnalysisRequest) -> schema.AnalysisResponse:
        """The response. Raises ``RequestError``."""
        started_s = time.perf_counter()
        work_s = self._work_s if request.work_s is None else request.work_s
        watch = Stopwatch(time.monotonic() + work_s, request.cancellation, progress=request.progress)
        watch.check()  # it may have waited for long
        watch.progress.start(passes=1 + request.compare)
        modalities = MODALITIES_OF_MODE[request.mode]
        with self._open_media(request, modalities, watch) as media:
            result = self._analyze(self._full, media, request, watch, explain=request.explain)
            other = self._compared(media, request, watch) if request.compare else None
        return schema.AnalysisResponse(
            mode=request.mode,
            fusion=request.rule,
            uncertain_below=self._parameters.uncertain_below,
            smooth_s=self._parameters.smooth_s,
            hold_s=self._parameters.hold_s,
            modalities_used=[name for m, name in _NAMES if result.estimate.modalities[m].present],
            estimate=serialize.estimate(result.estimate, uncertain_below=self._parameters.uncertain_below),
            rules=self._rules(result),
            timeline=self._timeline(result),
            faces=[self._face(number, face) for number, face in enumerate(result.faces)],
            picture=_size(media.grey),
            models=self._full.info_of(modalities),
            int8=None if other is None else self._variant_result(other, modalities, request),
            explanation=result.explanation,
            timings_ms=_timings(watch, request.received_s, started_s),
        )

    def _compared(self, media: _Media, request: AnalysisRequest, watch: Stopwatch) -> _Result:
        """The int8 variant's result, on a stopwatch of its own: the response's times are float's."""
        own = Stopwatch(watch.deadline_s, watch.cancellation, progress=watch.progress)
        return self._analyze(self._int8, media, request, own, explain=False)

    @contextmanager
    def _open_media(
        self, request: AnalysisRequest, modalities: frozenset[Modality], watch: Stopwatch
    ) -> Iterator[_Media]:
        with watch.stage("decode"):
            grey = self._picture(request, watch)
        if request.recording is None:
            yield _Media(grey, None)
            return
        with ExitStack() as opened:
            with watch.stage("decode"):
                tracks = opened.enter_context(
                    self._decoders.recording(request.recording, watch.check, most_s=request.media_s)
                )
            _require_tracks(tracks, modalities, has_picture=grey is not None)
            if tracks.video is not None:
                tracks = replace(tracks, video=upright(tracks.video, turn=request.turn, mirror=False))
            yield _Media(grey, tracks)

    def _picture(self, request: AnalysisRequest, watch: Stopwatch) -> GreyArray | None:
        if request.picture is None:
            return None
        return turned(self._decoders.picture(request.picture, watch.check), request.turn)

    def _analyze(
        self, variant: ModelVariant, media: _Media, request: AnalysisRequest, watch: Stopwatch, *, explain: bool
    ) -> _Result:
        with variant.analyzers.acquire() as analyzer, analyzer.instrumented(watch, keep=explain) as inputs:
            faces = [] if media.grey is None else analyzer.analyze_picture(media.grey, request.faces, watch)
            fusion = self._temporal(media, faces, request)
            recorded = self._analyze_recording(analyzer, media, fusion, request, watch)
            readings = [*(face.reading for face in faces[:1]), *recorded.readings]
            means = mean_readings(readings)
            estimate = self._fusions.fuse(means, request.rule)
            chosen = analyzer.representative_inputs(readings, inputs, estimate) if explain else {}
        explained = {m: ModalityInput(analyzer.shared_net(m), values, means[m]) for m, values in chosen.items()}
        timelines = fusion.estimates if request.every_rule and recorded.estimates else {}
        return _Result(means, timelines, estimate, recorded.estimates, faces, _explanation(explained, estimate))

    def _analyze_recording(
        self, analyzer: Analyzer, media: _Media, fusion: EveryRule, request: AnalysisRequest, watch: Stopwatch
    ) -> RecordingResult:
        if media.tracks is None:
            return RecordingResult((), ())
        modalities = MODALITIES_OF_MODE[request.mode]
        if media.grey is not None:
            modalities -= {Modality.FACE}  # the picture has it
        return analyzer.analyze_recording(media.tracks, modalities, fusion, watch)

    def _temporal(self, media: _Media, faces: list[AnalyzedFace], request: AnalysisRequest) -> EveryRule:
        """A picture's face is there from the start of the recording beside it."""
        make = partial(self._fusions.temporal, face_persists=media.grey is not None)
        fusion = EveryRule(make, RULE_NAMES if request.every_rule else (), told=request.rule)
        for face in faces[:1]:
            fusion.begin_with(face.reading)
        return fusion

    def _rules(self, result: _Result) -> dict[RuleName, schema.RuleResult]:
        return {
            rule: serialize.rule_result(self._fusions.fuse(result.means, rule), result.timelines.get(rule))
            for rule in RULE_NAMES
        }

    def _timeline(self, result: _Result) -> list[schema.TimelineEstimate]:
        return [
            serialize.timeline_estimate(estimate, uncertain_below=self._parameters.uncertain_below)
            for estimate in result.timeline
        ]

    def _variant_result(
        self, result: _Result, modalities: frozenset[Modality], request: AnalysisRequest
    ) -> schema.VariantResult:
        return schema.VariantResult(
            models=self._int8.info_of(modalities),
            estimate=serialize.estimate(result.estimate, uncertain_below=self._parameters.uncertain_below),
            timeline=self._timeline(result),
            rules=self._rules(result) if request.every_rule else None,
        )

    def _face(self, number: int, face: AnalyzedFace) -> schema.Face:
        probs = serialize.probs(face.reading.probs)
        assert probs is not None, "a reading has probabilities"
        return schema.Face(
            box=serialize.box(face.box),
            score=serialize.rounded(face.score),
            quality=serialize.rounded(face.reading.quality),
            is_used=number == 0,
            label=serialize.label(face.reading.probs, uncertain_below=self._parameters.uncertain_below),
            probs=probs,
        )


def _explanation(inputs: Mapping[Modality, ModalityInput], estimate: Estimate) -> schema.Explanation | None:
    """Why the best emotion is it, also where it is below the threshold; ``None`` where nobody is."""
    if estimate.probs is None or not inputs:
        return None
    best = max(range(len(EMOTIONS)), key=estimate.probs.__getitem__)
    return explain(inputs, rule=estimate.rule, label=EMOTIONS[best])


def _require_tracks(tracks: Tracks, modalities: frozenset[Modality], *, has_picture: bool) -> None:
    if modalities == {Modality.SPEECH} and tracks.audio is None:
        raise RequestError("nothing-to-read", "there is no sound in this file; send one with sound")
    if not has_picture and modalities == {Modality.FACE} and tracks.video is None:
        raise RequestError("nothing-to-read", "there is no picture in this file; send a film or a picture")


def _size(grey: GreyArray | None) -> schema.Size | None:
    return None if grey is None else schema.Size(width_px=grey.shape[1], height_px=grey.shape[0])


def _timings(watch: Stopwatch, received_s: float, started_s: float) -> schema.Timings:
    """``all`` and ``recognise`` are of recordings, which are decoded while they are read."""
    stages = watch.stages
    nets = stages.get("nets", 0.0)
    recognise = stages.get("recognise", 0.0)
    decoded = stages.get("decode", 0.0) + stages.get("all", 0.0) - recognise
    in_recording = recognise - nets if recognise else 0.0
    return schema.Timings(
        decode=_ms(decoded),
        find_faces=_ms(stages["find_faces"]) if "find_faces" in stages else None,
        features=_ms(stages.get("features", 0.0) + max(0.0, in_recording)),
        nets=_ms(nets),
        queued=_ms(started_s - received_s),
        total=_ms(time.perf_counter() - received_s),
    )


def _ms(seconds: float) -> float:
    return round(1000 * seconds, 3)
