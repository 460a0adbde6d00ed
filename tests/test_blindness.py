"""Why an appliance knows nothing of the world, told from the states of its sensors."""

import pytest

from device.blindness import blindness
from device.lane_state import LaneState

SEES = LaneState("online", "")
OPENS = LaneState()
CLOSED = LaneState("disabled", "privacy")
LOST = LaneState("offline", "camera 'C920': no picture for 5 s; check the cable")
MUTE = LaneState("degraded", "only zeros come from it; is it muted?")
STUCK = LaneState("degraded", "stuck: no answer for 10 s while it is read; check its cable", blind=True)
UNSTATED = LaneState("offline", "closed until a purpose is stated; run: sudo affectd setup")
ENDED = LaneState("offline", "end of recording", finished=True)


@pytest.mark.parametrize(
    ("camera", "microphone", "reason"),
    [
        (SEES, SEES, None),
        (LOST, SEES, None),
        (LOST, MUTE, None),
        (STUCK, SEES, None),
        (CLOSED, CLOSED, "privacy"),
        (CLOSED, OPENS, "privacy"),
        (LOST, CLOSED, "privacy"),
        (OPENS, OPENS, "starting"),
        (LOST, OPENS, "starting"),
        (UNSTATED, UNSTATED, "closed until a purpose is stated"),
        (LOST, LOST, "camera lost, microphone lost"),
        (STUCK, LOST, "camera: stuck, microphone lost"),
        (ENDED, ENDED, None),
        (ENDED, SEES, None),
        (ENDED, CLOSED, "privacy"),
    ],
)
def test_one_sensor_that_tells_of_the_world_is_enough(
    camera: LaneState, microphone: LaneState, reason: str | None
) -> None:
    assert blindness({"camera": camera, "microphone": microphone}) == reason


def test_a_sensor_that_the_mode_leaves_out_is_not_missed() -> None:
    assert blindness({"microphone": SEES}) is None
    assert blindness({"microphone": LOST}) == "microphone lost"
