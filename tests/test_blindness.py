"""Why an appliance knows nothing of the world, told from the states of its sensors."""

import pytest

from device.pipeline.blindness import blindness
from device.pipeline.branch_state import BranchState

SEES = BranchState("online", "")
OPENS = BranchState()
CLOSED = BranchState("disabled", "privacy")
LOST = BranchState("offline", "camera 'C920': no picture for 5 s; check the cable")
MUTE = BranchState("degraded", "only zeros come from it; is it muted?")
STUCK = BranchState("degraded", "stuck: no answer for 10 s while it is read; check its cable", blind=True)
UNSTATED = BranchState("offline", "closed until a purpose is stated; run: sudo affectd setup")
ENDED = BranchState("offline", "end of recording", finished=True)


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
def test_one_sensor_that_describes_the_world_is_enough(
    camera: BranchState, microphone: BranchState, reason: str | None
) -> None:
    assert blindness({"camera": camera, "microphone": microphone}) == reason


def test_a_sensor_that_the_mode_leaves_out_is_not_missed() -> None:
    assert blindness({"microphone": SEES}) is None
    assert blindness({"microphone": LOST}) == "microphone lost"


@pytest.mark.parametrize(
    ("camera", "microphone", "reason"),
    [
        (OPENS, SEES, "starting"),
        (SEES, OPENS, "starting"),
        (LOST, SEES, None),
        (STUCK, SEES, None),
        (CLOSED, SEES, None),
        (SEES, SEES, None),
        (CLOSED, OPENS, "privacy"),
    ],
)
def test_nobody_is_reported_to_be_there_before_every_sensor_has_had_its_chance(
    camera: BranchState, microphone: BranchState, reason: str | None
) -> None:
    assert blindness({"camera": camera, "microphone": microphone}, nothing_read=True) == reason
