import numpy as np
import pytest

from device.capture.sample_clock import SampleClock

BLOCK = 480
BLOCK_NS = 30_000_000
START_NS = 1_000_000_000_000


def test_samples_are_counted_and_dated_from_when_the_first_block_began() -> None:
    clock = SampleClock(rate_hz=16_000)
    stamps = [clock.stamp(BLOCK, START_NS + (n + 1) * BLOCK_NS) for n in range(4)]
    assert [stamp.first_sample for stamp in stamps] == [0, 480, 960, 1440]
    assert [stamp.captured_ns for stamp in stamps] == [START_NS + n * BLOCK_NS for n in range(4)]
    assert clock.gaps == 0


def test_a_block_that_the_system_delivers_late_is_not_dated_late() -> None:
    clock = SampleClock(rate_hz=16_000)
    clock.stamp(BLOCK, START_NS + BLOCK_NS)
    late = clock.stamp(BLOCK, START_NS + 2 * BLOCK_NS + 50_000_000)
    assert late.first_sample == BLOCK
    assert abs(late.captured_ns - (START_NS + BLOCK_NS)) < 100_000


@pytest.mark.slow
def test_a_sound_card_that_is_wrong_by_9_seconds_a_day_stays_with_the_system_clock() -> None:
    clock = SampleClock(rate_hz=16_000)
    jitter_ns = np.random.default_rng(2).integers(0, 5_000_000, 100_000)
    for n, late_ns in enumerate(jitter_ns.tolist()):  # 50 minutes
        heard_ns = START_NS + round((n + 1) * BLOCK_NS * 1.0001)
        stamp = clock.stamp(BLOCK, heard_ns + late_ns)
    assert abs(stamp.captured_ns + BLOCK_NS - heard_ns) < 10_000_000
    assert clock.gaps == 0


def test_an_overflow_is_a_jump_of_the_samples_that_are_missing() -> None:
    clock = SampleClock(rate_hz=16_000)
    clock.stamp(BLOCK, START_NS + BLOCK_NS)
    after = clock.stamp(BLOCK, START_NS + 4 * BLOCK_NS, overflowed=True)
    assert after.first_sample == 3 * BLOCK
    assert after.captured_ns == START_NS + 3 * BLOCK_NS
    assert clock.gaps == 1


def test_an_overflow_that_cost_no_time_is_still_a_gap() -> None:
    clock = SampleClock(rate_hz=16_000)
    clock.stamp(BLOCK, START_NS + BLOCK_NS)
    assert clock.stamp(BLOCK, START_NS + 2 * BLOCK_NS, overflowed=True).first_sample == BLOCK + 1


def test_a_stall_that_the_driver_does_not_report_is_a_gap() -> None:
    clock = SampleClock(rate_hz=16_000)
    clock.stamp(BLOCK, START_NS + BLOCK_NS)
    after = clock.stamp(BLOCK, START_NS + 2 * BLOCK_NS + 2_000_000_000)
    assert after.first_sample == BLOCK + 2 * 16_000
    assert clock.gaps == 1
