"""What the benchmark counts as latency, and what apart."""

from estimates import probabilities

from device.bench.end_to_end import is_of_time
from device.fusion.temporal import TemporalFusion
from device.publish.contract import as_json
from device.publish.payload import MediaClock, Payloads
from device.readings import Estimate, Modality, Reading

SECOND_NS = 1_000_000_000


def reading(modality: Modality, at_s: float) -> Reading:
    return Reading(modality, int(at_s * SECOND_NS), probabilities("happy", 0.7), 1.0)


def said(estimate: Estimate | None) -> bool:
    assert estimate is not None
    return is_of_time(as_json(Payloads(node="n", boot_id="b", model_set="m", clock=MediaClock()).state(estimate)))


def test_an_estimate_is_of_time_if_no_reading_brought_it() -> None:
    fusion = TemporalFusion(
        rule="average", fresh_s={Modality.FACE: 1, Modality.SPEECH: 3}, smooth_s=0, hold_s=0, uncertain_below=0
    )
    assert not said(fusion.step(reading(Modality.FACE, 0.5)))
    assert not said(fusion.step(reading(Modality.SPEECH, 0.6)))
    assert not said(fusion.step(reading(Modality.FACE, 0.55)))  # late: dated like the voice
    assert said(fusion.tick(int(1.7 * SECOND_NS)))  # the face has grown stale, the voice has not
    assert said(fusion.tick(5 * SECOND_NS))  # nobody
