from collections.abc import Iterable

import pytest
from estimates import estimate
from hypothesis import given, settings
from hypothesis import strategies as st

from device.publish.episodes import EpisodeEvent, Episodes
from device.readings import EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN


def told(story: Iterable[tuple[float, float, str]], **settings: float) -> list[EpisodeEvent]:
    """What is told of stretches (from second, to second, label) with ten estimates a second, and at their end."""
    episodes = Episodes(id_prefix="boot", **settings)
    stepped = [
        event
        for start, end, label in story
        for tenth in range(round(start * 10), round(end * 10))
        for event in episodes.step(estimate(tenth / 10, label))
    ]
    return [*stepped, *episodes.finish()]


def summary(events: list[EpisodeEvent]) -> list[tuple[str, str, float, float]]:
    return [(e.kind, e.label, e.started_ns / 1e9, e.captured_ns / 1e9) for e in events]


def test_a_smile_of_five_seconds_starts_when_it_was_first_seen_and_ends_when_it_was_last_seen() -> None:
    story = [(0, 2, "neutral"), (2, 7, "happy"), (7, 20, "neutral")]
    assert summary(told(story)) == [("start", "happy", 2, 3), ("end", "happy", 2, 6.9)]


def test_one_second_of_doubt_does_not_cut_an_episode_in_two() -> None:
    story = [(0, 4, "sad"), (4, 5, UNCERTAIN), (5, 8, "sad"), (8, 20, NOBODY)]
    assert [kind for kind, *_ in summary(told(story))] == ["start", "end"]


def test_a_flicker_is_no_episode() -> None:
    assert told([(0, 2, "neutral"), (2, 2.5, "fear"), (2.5, 10, "neutral")]) == []


def test_another_emotion_that_lasts_ends_the_first_one_before_it_starts() -> None:
    events = told([(0, 5, "happy"), (5, 20, "sad")])
    assert [(e.kind, e.label) for e in events] == [
        ("start", "happy"), ("end", "happy"), ("start", "sad"), ("end", "sad"),
    ]  # fmt: skip
    assert len({e.id for e in events}) == 2
    assert events[0].id == events[1].id


def test_a_long_episode_is_reported_again_and_again() -> None:
    events = told([(0, 65, "sad")], update_s=20.0)
    assert [e.kind for e in events] == ["start", "update", "update", "update", "end"]
    assert len({e.id for e in events}) == 1


def test_nobody_neutral_doubt_and_closed_sensors_make_no_episode() -> None:
    assert told([(0, 20, "neutral"), (20, 40, NOBODY), (40, 60, UNCERTAIN), (60, 80, UNKNOWN)]) == []


def test_an_episode_ends_when_the_sensors_are_closed_dated_to_the_last_that_was_seen() -> None:
    events = told([(0, 5, "sad"), (5, 20, UNKNOWN)])
    assert summary(events) == [("start", "sad", 0, 1), ("end", "sad", 0, 4.9)]


def test_the_certainty_is_that_of_the_estimates() -> None:
    episodes = Episodes(id_prefix="boot", min_s=0.2)
    events = [e for at, sure in ((0, 0.5), (0.1, 0.9), (0.2, 0.7)) for e in episodes.step(estimate(at, "sad", sure))]
    assert [(e.confidence, e.peak_confidence, round(e.mean_confidence, 6)) for e in events] == [(0.7, 0.9, 0.7)]


def test_a_start_and_an_update_leave_word_of_how_the_episode_is_to_end_if_nothing_more_is_received() -> None:
    start, update, end = told([(0, 40, "sad")])
    for event in (start, update):
        will = event.will()
        assert will is not None
        assert (will.kind, will.reason, will.id, will.captured_ns) == ("end", "restart", event.id, event.captured_ns)
    assert (start.reason, end.reason, end.will()) == (None, None, None)


def test_the_will_is_dated_to_what_was_last_seen() -> None:
    episodes = Episodes(id_prefix="boot")
    assert episodes.will() is None
    for tenth in range(200):
        episodes.step(estimate(tenth / 10, "sad"))
    will = episodes.will()
    assert will is not None
    assert (will.kind, will.reason, will.captured_ns) == ("end", "restart", 19_900_000_000)
    episodes.finish()
    assert episodes.will() is None


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*EMOTIONS, NOBODY, UNCERTAIN, UNKNOWN]), st.integers(1, 60)), max_size=12))
@pytest.mark.slow
def test_whatever_happens_every_start_has_one_end_and_episodes_do_not_overlap(stretches: list[tuple[str, int]]) -> None:
    story, at = [], 0.0
    for label, tenths in stretches:
        story.append((at, at + tenths / 10, str(label)))
        at += tenths / 10
    open_id = None
    for event in told(story, update_s=2.0):
        if event.kind == "start":
            assert open_id is None
            open_id = event.id
        assert event.id == open_id
        assert event.started_ns <= event.captured_ns
        if event.kind == "end":
            open_id = None
    assert open_id is None
