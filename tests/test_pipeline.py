"""The branches, in step and on threads, with recordings for sensors and counting stand-ins for models."""

from collections.abc import Callable

import numpy as np
import pytest
from fakes import Recording, eventually

from device.capture.latest import LatestOnly
from device.errors import SourceLost, SourceUnavailable
from device.fusion.temporal import TemporalFusion
from device.pipeline.run import BranchState, ThreadedPipeline, run_inline
from device.readings import EMOTIONS, NOBODY, Emotion, Estimate, Modality, Probabilities, Reading
from device.signals import AudioBlock, Frame
from device.stages import AnyBranch, Branch

SECOND = 1_000_000_000
HAPPY: Probabilities = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)
SAD: Probabilities = (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class SeesJoy:
    """Finds a happy face in every picture that is not black."""

    def __call__(self, frame: Frame) -> Reading | None:
        return Reading(Modality.FACE, frame.captured_ns, HAPPY) if frame.grey.any() else None

    def follow_up(self) -> None:
        pass

    def finish(self) -> Reading | None:
        return None


class HearsSorrowAtTheEnd:
    """Gives its one reading only when the stream is over."""

    def __init__(self) -> None:
        self._end_ns: int | None = None

    def __call__(self, block: AudioBlock) -> Reading | None:
        self._end_ns = block.captured_ns
        return None

    def follow_up(self) -> None:
        pass

    def finish(self) -> Reading | None:
        return None if self._end_ns is None else Reading(Modality.SPEECH, self._end_ns, SAD)


def frame(at_s: float, light: int = 128) -> Frame:
    return Frame(int(at_s * SECOND), np.full((48, 48), light, dtype=np.uint8))


def block(at_s: float) -> AudioBlock:
    return AudioBlock(int(at_s * SECOND), int(at_s * 16_000), np.zeros(1600, dtype=np.int16))


def camera(source: Recording, *, required: bool = False) -> AnyBranch:
    return Branch("camera", lambda: source, SeesJoy(), required=required)


def fusion() -> TemporalFusion:
    return TemporalFusion(
        rule="average",
        fresh_s={Modality.FACE: 1.0, Modality.SPEECH: 2.0},
        smooth_s=0,
        hold_s=0,
        uncertain_below=0.4,
    )


def inline(frames: list[Frame], blocks: list[AudioBlock]) -> list[Estimate]:
    branches: list[AnyBranch] = [
        camera(Recording(frames)),
        Branch("microphone", lambda: Recording(blocks), HearsSorrowAtTheEnd()),
    ]
    return list(run_inline(branches, fusion()))


def test_face_and_voice_are_fused_in_the_order_of_capture() -> None:
    estimates = inline([frame(t / 10) for t in range(20)], [block(t / 10) for t in range(20)])
    assert estimates == inline([frame(t / 10) for t in range(20)], [block(t / 10) for t in range(20)])
    assert [e.captured_ns for e in estimates] == sorted(e.captured_ns for e in estimates)
    assert estimates[0].label == Emotion.HAPPY


def test_the_last_words_before_the_end_are_not_lost() -> None:
    last = inline([frame(t / 10) for t in range(20)], [block(t / 10) for t in range(20)])[-1]
    assert last.modalities[Modality.SPEECH].present
    assert last.probs is not None
    assert last.probs[EMOTIONS.index(Emotion.SAD)] == 0.5


def test_an_empty_scene_is_reported_to_be_empty() -> None:
    estimates = inline([frame(t / 10, light=0) for t in range(25)], [])
    assert {e.label for e in estimates} == {NOBODY}
    assert len(estimates) == 2


@pytest.mark.parametrize(
    ("state", "perceives"),
    [
        (BranchState("online", ""), True),
        (BranchState("degraded", "the clock drifts"), True),
        (BranchState("degraded", "the picture stands still", blind=True), False),
        (BranchState("offline", "starting"), False),
        (BranchState("disabled", "privacy"), False),
        (BranchState("online", "", finished=True), False),
    ],
)
def test_a_lane_perceives_while_its_signals_may_be_believed(state: BranchState, perceives: bool) -> None:
    assert state.perceives is perceives


def taken(pipeline: ThreadedPipeline, until: Callable[[], bool]) -> list[Reading]:
    readings: list[Reading] = []

    def enough() -> bool:
        reading = pipeline.take(0.01)
        if reading is not None:
            readings.append(reading)
        return until()

    eventually(enough)
    return readings


def test_threads_give_every_reading_of_a_recording_and_then_report_it() -> None:
    with ThreadedPipeline([camera(Recording([frame(t / 10) for t in range(20)]))]) as pipeline:
        readings = taken(pipeline, lambda: pipeline.finished)
    assert [r.captured_ns for r in readings] == [t * SECOND // 10 for t in range(20)]
    assert pipeline.states["camera"].reason == "end of recording"


@pytest.mark.slow
def test_a_lost_camera_is_reported_and_tried_again() -> None:
    broken = Recording([frame(0)], lost=SourceLost("camera 'C920': no picture for 5 s; check the cable"))
    whole = Recording([frame(1)], live=True)
    sources = iter([broken, whole])
    with ThreadedPipeline([Branch("camera", lambda: next(sources), SeesJoy())]) as pipeline:
        readings = taken(pipeline, lambda: (s := pipeline.states["camera"]).signals == 2 and s.state == "online")
        assert pipeline.states["camera"].state == "online"
        assert pipeline.states["camera"].restarts == 1
    assert len(readings) == 2
    assert (broken.closed, whole.closed) == (1, 1)


def test_a_camera_that_is_not_there_leaves_the_other_lane_alone() -> None:
    absent = Branch("camera", Absent, SeesJoy())
    present = Branch("second", lambda: Recording([frame(0)], live=True), SeesJoy())
    with ThreadedPipeline([absent, present]) as pipeline:
        assert len(taken(pipeline, lambda: pipeline.states["second"].signals == 1)) == 1
        eventually(lambda: "none is there" in pipeline.states["camera"].reason)


def test_a_required_camera_that_is_not_there_ends_the_whole() -> None:
    branch = Branch("camera", Absent, SeesJoy(), required=True)
    with ThreadedPipeline([branch]) as pipeline, pytest.raises(SourceUnavailable, match="none is there"):
        taken(pipeline, lambda: False)


def test_a_bug_in_a_thread_reaches_the_caller() -> None:
    class Broken(SeesJoy):
        def __call__(self, frame: Frame) -> Reading | None:
            raise ZeroDivisionError(f"a bug at {frame.captured_ns}")

    branch = Branch("camera", lambda: Recording([frame(0)]), Broken())
    with ThreadedPipeline([branch]) as pipeline, pytest.raises(ZeroDivisionError):
        taken(pipeline, lambda: False)


def test_a_camera_that_only_opens_is_not_yet_online() -> None:
    source, seen = Recording([], live=True), Recording([frame(0)], live=True)
    branches: list[AnyBranch] = [camera(source), Branch("second", lambda: seen, SeesJoy())]
    with ThreadedPipeline(branches) as pipeline:
        eventually(lambda: pipeline.states["second"].state == "online" and source.opened == 1)
        assert (pipeline.states["camera"].state, pipeline.states["camera"].reason) == ("offline", "starting")


def test_privacy_closes_the_source_and_opens_it_again() -> None:
    source = Recording([frame(0)], live=True)
    with ThreadedPipeline([camera(source)]) as pipeline:
        eventually(lambda: pipeline.states["camera"].state == "online")
        pipeline.pause(True)
        eventually(lambda: pipeline.states["camera"].state == "disabled")
        assert source.closed == 1
        pipeline.pause(False)
        eventually(lambda: pipeline.states["camera"].state == "online")
        assert source.opened == 2


def test_privacy_switched_on_and_off_at_once_leaves_the_camera_alive() -> None:
    source = Recording([frame(0)], live=True)
    with ThreadedPipeline([camera(source)]) as pipeline:
        for round_ in range(1, 6):
            eventually(lambda: pipeline.states["camera"].state == "online" and source.opened == round_)  # noqa: B023
            pipeline.pause(True)
            pipeline.pause(False)
            eventually(lambda: source.opened == round_ + 1)  # noqa: B023
        assert not pipeline.finished


def test_a_sensor_that_ends_by_itself_is_lost_not_over() -> None:
    source = Recording([frame(0)])
    source.is_finite = False
    with ThreadedPipeline([camera(source)]) as pipeline:
        eventually(lambda: "ended by itself" in pipeline.states["camera"].reason)
        assert not pipeline.finished


def test_a_microphone_that_is_mute_is_degraded_not_lost() -> None:
    source = Recording([frame(0)], live=True)
    source.warning = "only zeros come from it; is it muted?"
    with ThreadedPipeline([camera(source)]) as pipeline:
        eventually(lambda: pipeline.states["camera"].state == "degraded")
        assert "muted" in pipeline.states["camera"].reason


def test_started_in_privacy_nothing_is_opened_at_all() -> None:
    source = Recording([frame(0)], live=True)
    with ThreadedPipeline([camera(source)], paused=True) as pipeline:
        eventually(lambda: pipeline.states["camera"].state == "disabled")
    assert source.opened == 0


def test_a_slow_reader_gets_the_newest_picture_and_the_losses_are_counted() -> None:
    source = LatestOnly(Recording([frame(t) for t in range(100)]))
    with source:
        pictures = iter(source)
        eventually(lambda: source.dropped == 99)
        assert next(pictures).captured_ns == 99 * SECOND
        assert list(pictures) == []


def test_what_the_source_itself_lost_is_counted_too() -> None:
    camera = Recording([frame(0), frame(1)])
    camera.dropped = 5
    source = LatestOnly(camera)
    with source:
        eventually(lambda: source.dropped == 5 + 1)


def test_what_the_capture_thread_meets_comes_out_of_the_iteration() -> None:
    with LatestOnly(Recording([], lost=SourceLost("gone"))) as source, pytest.raises(SourceLost, match="gone"):
        list(source)


class Absent(Recording):
    """A sensor that is not plugged in."""

    def __init__(self) -> None:
        super().__init__([])

    def __enter__(self) -> "Absent":
        raise SourceUnavailable("camera 'C920' not found; none is there")
