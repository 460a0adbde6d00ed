from estimates import estimate

from device.publish.publish_policy import Every, PublishPolicy
from device.readings import NOBODY, UNKNOWN


def said(cadence: PublishPolicy, *story: tuple[float, str, float]) -> list[float]:
    return [at for at, label, sure in story if cadence.due(estimate(at, label, sure))]


def test_the_same_is_reported_again_only_with_the_heartbeat() -> None:
    story = [(n / 10, "happy", 0.8) for n in range(251)]
    assert said(PublishPolicy(heartbeat_s=10.0), *story) == [0.0, 10.0, 20.0]


def test_another_label_is_reported_at_once() -> None:
    assert said(PublishPolicy(), (0, "happy", 0.8), (0.2, "sad", 0.8), (0.4, NOBODY, 0)) == [0, 0.2, 0.4]


def test_why_nothing_is_known_is_reported_at_once_when_it_is_another_reason() -> None:
    cadence = PublishPolicy()
    story = [(0, "starting"), (1, "starting"), (2, "privacy"), (3, "privacy"), (4, "camera lost")]
    assert [at for at, why in story if cadence.due(estimate(at, UNKNOWN, reason=why))] == [0, 2, 4]


def test_a_person_who_is_a_little_surer_is_not_worth_a_message() -> None:
    assert said(PublishPolicy(confidence_step=0.05), (0, "happy", 0.80), (1, "happy", 0.84), (2, "happy", 0.86)) == [
        0,
        2,
    ]


def test_a_voice_that_joins_the_face_is_reported_although_the_label_stays() -> None:
    cadence = PublishPolicy()
    assert cadence.due(estimate(0, face=True))
    assert not cadence.due(estimate(1, face=True))
    assert cadence.due(estimate(2, face=True, speech=True))


def test_flicker_is_held_to_the_highest_rate_and_its_outcome_is_not_lost() -> None:
    story = [(n / 30, "happy" if n % 2 else "sad", 0.8) for n in range(30)]
    assert len(said(PublishPolicy(max_rate_hz=5.0), *story)) <= 5
    cadence = PublishPolicy(max_rate_hz=5.0)
    assert said(cadence, (0, "sad", 0.8), (0.1, "happy", 0.8), (0.2, "happy", 0.8)) == [0, 0.2]


def test_a_new_audience_receives_the_next_estimate_whatever_it_is() -> None:
    cadence = PublishPolicy()
    assert cadence.due(estimate(0))
    cadence.restart()
    assert cadence.due(estimate(0.001))


def test_a_replay_that_starts_again_is_received() -> None:
    assert said(PublishPolicy(), (100, "happy", 0.8), (0, "happy", 0.8)) == [100, 0]


def test_something_every_minute_is_due_at_once_and_then_once_a_minute() -> None:
    minute = Every(60)
    assert [s for s in range(0, 200, 10) if minute.due(round(s * 1e9))] == [0, 60, 120, 180]
