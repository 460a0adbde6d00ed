"""What Home Assistant is told of a day, and that it is true."""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from a_day import RESTLESS, Habits, Recorder, a_day
from estimates import estimate
from hypothesis import given, settings
from hypothesis import strategies as st

from device.config.settings import HomeAssistantSettings
from device.publish.contract import EntityStates
from device.publish.downsample import Downsampler
from device.publish.publish_policy import PublishPolicy
from device.readings import NOBODY, UNCERTAIN, Estimate, Modality

ROOT = Path(__file__).resolve().parents[1]
MAX_ROWS = 3000
OFF_UNTIL_ENABLED = ("valence", "arousal")
DEFAULT = HomeAssistantSettings()


def default() -> Downsampler:
    return Downsampler(min_interval_s=DEFAULT.min_interval_s, off_delay_s=DEFAULT.off_delay_s)


def story(*stretches: tuple[float, str], rate_hz: float = 10) -> list[Estimate]:
    """Labels and for how many seconds each."""
    told, at_s = [], 0.0
    for seconds, label in stretches:
        for step in range(round(seconds * rate_hz)):
            told.append(estimate(at_s + step / rate_hz, label, 0.62))
        at_s += seconds
    return told


def changes(estimates: list[Estimate], downsampler: Downsampler | None = None) -> list[tuple[float, str]]:
    """When the label changed, in seconds, and to what."""
    downsampler = downsampler or default()
    said: list[tuple[float, str]] = []
    for one in estimates:
        label = downsampler.step(one).label
        if not said or said[-1][1] != label:
            said.append((one.captured_ns / 1e9, label))
    return said


@cache
def rows_of(downsampled: bool, habits: Habits) -> dict[str, int]:
    """By entity. Not downsampled: as every message of `state` would be."""
    recorder, downsampler, cadence = Recorder(), default(), PublishPolicy()
    for one in a_day(rate_hz=1, habits=habits):
        if downsampled:
            recorder.hear(downsampler.step(one))
        elif cadence.due(one):
            face, speech = (one.modalities[modality].present for modality in Modality)
            points = round(100 * one.confidence)
            recorder.hear(EntityStates(one.label, points, face, speech, one.valence, one.arousal))
    return recorder.rows


@pytest.mark.parametrize("habits", [Habits(), RESTLESS], ids=["a day at the desk", "restless"])
@pytest.mark.slow
def test_a_whole_day_of_a_person_fits_into_the_history(habits: Habits) -> None:
    rows = rows_of(True, habits)
    assert rows.keys() == {"label", "confidence_percent", "face", "speech", "valence", "arousal"}
    assert sum(rows.values()) < MAX_ROWS


@pytest.mark.slow
def test_the_same_day_as_everybody_else_receives_it_does_not() -> None:
    assert sum(rows_of(False, Habits()).values()) > 10 * MAX_ROWS


@pytest.mark.slow
def test_page_and_changelog_report_that_day() -> None:
    told, raw = (
        round(
            sum(rows for entity, rows in rows_of(downsampled, Habits()).items() if entity not in OFF_UNTIL_ENABLED), -2
        )
        for downsampled in (True, False)
    )
    pages = ("docs/home-assistant.md", "CHANGELOG.md")
    page, changelog = (" ".join((ROOT / name).read_text("utf-8").split()) for name in pages)
    assert f"some {told:,} rows, where every `state` would make {raw:,}" in page
    assert f"some {raw:,} rows a simulated day; now {told:,}" in changelog


def test_a_smile_of_a_moment_is_not_reported_and_one_that_stays_is() -> None:
    assert changes(story((120, "neutral"), (5, "happy"), (60, "neutral"))) == [(0, "neutral")]
    assert changes(story((120, "neutral"), (60, "happy"))) == [(0, "neutral"), (pytest.approx(150, abs=0.3), "happy")]


def test_where_nothing_lasts_it_is_uncertain() -> None:
    restless = story((60, "neutral"), *[(2, label) for label in ("happy", "sad", "angry") * 20])
    assert [label for _, label in changes(restless)] == ["neutral", UNCERTAIN]


def test_who_comes_in_is_reported_within_seconds_and_once() -> None:
    told = changes(story((100, NOBODY), (1, "surprise"), (40, "happy")))
    assert told == [(0, NOBODY), (pytest.approx(103, abs=0.3), "happy")]


def test_who_passes_by_is_seen_but_has_no_emotion() -> None:
    downsampler = default()
    told = [downsampler.step(one) for one in story((100, NOBODY), (2, "happy"), (100, NOBODY))]
    assert {states.label for states in told} == {NOBODY}
    seen = [at / 10 for at, states in enumerate(told) if states.face]
    assert seen[0] == 100
    assert seen[-1] == pytest.approx(102 + DEFAULT.off_delay_s, abs=0.3)


def test_that_nothing_is_looked_at_is_reported_at_once_and_ends_presence() -> None:
    downsampler = default()
    for one in story((10, "happy")):
        downsampler.step(one)
    blind = replace(estimate(10, NOBODY), label="unknown")
    assert downsampler.step(blind) == EntityStates("unknown", 0, False, False, 0.0, 0.0)


@pytest.mark.slow
def test_the_confidence_goes_in_steps_and_does_not_waver_between_two() -> None:
    downsampler, told = default(), set()
    for tenth in range(20_000):
        told.add(downsampler.step(estimate(tenth / 10, "happy", 0.62 + 0.02 * (tenth // 900 % 2))).confidence_percent)
    assert told == {60}


@pytest.mark.slow
def test_valence_and_arousal_follow_slowly_in_tenths() -> None:
    downsampler, told = default(), list[tuple[float, float, float]]()
    for tenth in range(6000):
        mood = 0.8 if tenth > 1200 else -0.64
        said = downsampler.step(replace(estimate(tenth / 10), valence=mood, arousal=mood / 2))
        if not told or told[-1][1:] != (said.valence, said.arousal):
            told.append((tenth / 10, said.valence, said.arousal))
    times_s, places = [at_s for at_s, *_ in told], [place for _, *place in told]
    assert (places[0], places[-1]) == ([-0.6, -0.3], [0.8, 0.4])
    assert all(120 < at_s < 480 for at_s in times_s[1:])
    assert len(told) <= 10


def test_an_interval_of_nothing_lets_everything_through() -> None:
    labels = story((1, "happy"), (1, "sad"), (1, "happy"))
    quick = Downsampler(min_interval_s=0, off_delay_s=0)
    assert changes(labels, quick) == [(0, "happy"), (1, "sad"), (2, "happy")]
    assert not quick.step(estimate(9, NOBODY)).face


def test_a_replay_that_begins_again_is_no_stretch_of_time() -> None:
    downsampler = default()
    for one in [*story((100, "sad")), *story((90, "happy"))]:
        states = downsampler.step(one)
    assert states.label == "happy"


@settings(max_examples=25, deadline=None)
@pytest.mark.slow
@given(
    stretches=st.lists(
        st.tuples(st.floats(0.2, 90), st.sampled_from(["happy", "sad", "neutral", UNCERTAIN, NOBODY])), min_size=1
    ),
    interval_s=st.integers(1, 60),
)
def test_no_two_changes_are_closer_than_the_interval(stretches: list[tuple[float, str]], interval_s: int) -> None:
    downsampler = Downsampler(min_interval_s=interval_s, off_delay_s=5)
    changed: list[int] = []
    last = None
    for one in story(*stretches, rate_hz=4):
        states = downsampler.step(one)
        said = states.label, states.confidence_percent
        if last is not None and said != last:
            changed.append(one.captured_ns)
        last = said
        assert states.confidence_percent % 5 == 0
    assert all(after - before >= interval_s * 1e9 for before, after in pairwise(changed))
