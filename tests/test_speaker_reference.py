"""What a stream's own voices are taken to be like, learnt from the windows before."""

from __future__ import annotations

import numpy as np
import pytest

from device.arrays import DoubleArray
from device.features.speaker_reference import (
    DEVIATIONS,
    MEMORY_WINDOWS,
    MIN_QUIETNESS,
    NEUTRAL,
    RELATIVE_LIMIT,
    SHARE_OF_HOP,
    SpeakerReference,
    quietness,
)

LOW, HIGH = NEUTRAL.copy(), NEUTRAL.copy()
LOW[0], HIGH[0] = 2.0, 14.0
ROOM = np.zeros(21)
ROOM[4] = -0.1
"""A room that takes 2.4 deviations of the harmonicity away."""


def taught(windows: list[DoubleArray], times: int = 1) -> SpeakerReference:
    reference = SpeakerReference()
    for _ in range(times):
        for window in windows:
            reference.learn(window)
    return reference


def test_the_neutral_voice_is_what_a_stream_begins_with() -> None:
    found = SpeakerReference().relative(NEUTRAL + DEVIATIONS)
    np.testing.assert_allclose(found, 1.0)


def test_what_a_room_does_to_every_window_is_soon_taken_away() -> None:
    reference, left = SpeakerReference(), []
    for _ in range(200):
        left.append(reference.relative(LOW + ROOM)[4])
        reference.learn(LOW + ROOM)
    assert left[0] == pytest.approx(-0.1 / DEVIATIONS[4])
    assert np.all(np.diff(left) >= 0)
    assert abs(left[-1]) < 0.1


def test_a_window_is_told_by_those_before_it_alone() -> None:
    rng = np.random.default_rng(1)
    windows = [NEUTRAL + rng.normal(size=21) * DEVIATIONS for _ in range(20)]
    for changed in range(20):
        others = [*windows[:changed], windows[changed] + 3 * DEVIATIONS, *windows[changed + 1 :]]
        told = [told_in_turn(own) for own in (windows, others)]
        np.testing.assert_array_equal(told[0][:changed], told[1][:changed])


def told_in_turn(windows: list[DoubleArray]) -> list[DoubleArray]:
    reference, told = SpeakerReference(), []
    for window in windows:
        told.append(reference.relative(window))
        reference.learn(window)
    return told


def test_a_low_voice_and_a_high_one_do_not_share_a_mean() -> None:
    alone, with_another = taught([LOW + ROOM], 100), taught([LOW + ROOM, HIGH], 100)
    np.testing.assert_array_equal(alone.relative(LOW), with_another.relative(LOW))
    np.testing.assert_array_equal(alone.relative(HIGH), SpeakerReference().relative(HIGH))


def test_the_livelier_a_window_the_less_it_counts() -> None:
    assert quietness(np.full(21, -1.0)) == quietness(np.zeros(21)) == 1
    assert 0.3 < quietness(np.ones(21)) < 0.4
    assert quietness(np.full(21, RELATIVE_LIMIT)) == MIN_QUIETNESS
    calm, lively = (taught([HIGH + step * DEVIATIONS], 10) for step in (-1, 1))
    assert abs(calm.relative(HIGH)[8]) > abs(lively.relative(HIGH)[8])


def test_anger_among_quiet_speech_stays_anger() -> None:
    anger = HIGH + 3 * DEVIATIONS
    at_home = taught([*[HIGH] * 8, anger, anger], 50)
    assert at_home.relative(anger)[8] > 2.8


def test_no_window_moves_a_long_known_voice_far_but_a_new_voice_is_learnt_in_the_end() -> None:
    reference = taught([LOW], 5000)
    before = reference.relative(LOW)
    reference.learn(LOW + 2 * ROOM)
    moved = np.abs(reference.relative(LOW) - before) * DEVIATIONS
    assert moved.max() <= SHARE_OF_HOP / MEMORY_WINDOWS * np.abs(2 * ROOM).max() * 1.001
    for _ in range(int(8 * MEMORY_WINDOWS / SHARE_OF_HOP)):
        reference.learn(LOW + 0.5 * ROOM)
    assert np.abs(reference.relative(LOW + 0.5 * ROOM))[4] < 0.05


@pytest.mark.parametrize("spoilt", [np.full(21, np.nan), np.where(np.arange(21) == 3, np.inf, NEUTRAL), np.zeros(22)])
def test_what_is_no_functionals_is_refused_and_spoils_nothing(spoilt: DoubleArray) -> None:
    reference = taught([LOW], 3)
    before = reference.relative(LOW)
    for ask in (reference.learn, reference.relative):
        with pytest.raises(ValueError, match="21 finite functionals"):
            ask(spoilt)
    np.testing.assert_array_equal(reference.relative(LOW), before)
