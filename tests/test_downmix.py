"""Several channels as one: their mean, or the strongest while they cancel each other."""

import numpy as np
import pytest
from numpy.typing import NDArray
from perception import hiss, spoken

from device.capture.blocks import BlockMaker
from device.capture.downmix import Downmix, to_mono

RATE_HZ = 16_000
VOICE = spoken(2.0) / 32768
HISS = hiss(2.0) / 32768


def stereo(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.stack([left, right], axis=1)


CHANNELS = {
    "the same twice": (stereo(VOICE, VOICE), VOICE),
    "one silent": (stereo(VOICE, 0 * VOICE), VOICE / 2),
    "two rooms": (stereo(VOICE, hiss(2.0, -30) / 32768), (VOICE + hiss(2.0, -30) / 32768) / 2),
    "wires exchanged": (stereo(VOICE, -VOICE), VOICE),
    "the louder one is the second": (stereo(-VOICE, 1.2 * VOICE), 1.2 * VOICE),
    "each with a constant offset": (stereo(VOICE + 0.1, 0.1 - VOICE), VOICE + 0.1),
    "six, of which two cancel": (np.stack([VOICE, -VOICE, *[0 * VOICE] * 4], axis=1), VOICE),
}


@pytest.mark.parametrize("name", CHANNELS)
def test_a_voice_is_never_lost_between_two_channels(name: str) -> None:
    channels, expected = CHANNELS[name]
    mixed = np.abs(to_mono(channels, RATE_HZ))  # a voice upside down is the same voice
    assert np.abs(mixed - np.abs(expected)).max() < 1e-9


def test_a_voice_with_its_wires_exchanged_is_received_within_a_twentieth_of_a_second_of_a_quiet_room() -> None:
    room = stereo(HISS, HISS[::-1])
    mixed = to_mono(np.concatenate([room, stereo(VOICE, -VOICE)]), RATE_HZ)[len(HISS) :]
    assert np.abs(np.abs(mixed) - np.abs(VOICE))[RATE_HZ // 20 :].max() < 1e-9


def test_the_mean_comes_back_when_the_channels_agree_again() -> None:
    left = np.concatenate([VOICE, VOICE, VOICE, VOICE])
    right = np.concatenate([-VOICE, VOICE / 2, VOICE / 2, VOICE / 2])
    assert np.abs(to_mono(stereo(left, right), RATE_HZ)[-len(VOICE) :] - 0.75 * VOICE).max() < 1e-9


@pytest.mark.slow
@pytest.mark.parametrize("piece", [1, 33, 160, 441, 4_096])
def test_the_same_sound_in_other_pieces_gives_the_same(piece: int) -> None:
    channels = stereo(np.concatenate([VOICE, VOICE]), np.concatenate([VOICE, -VOICE]))[:40_000]
    downmix = Downmix(rate_hz=RATE_HZ)
    mixed = [downmix.push(channels[i : i + piece]) for i in range(0, len(channels), piece)]
    assert np.array_equal(np.concatenate([*mixed, downmix.flush()]), to_mono(channels, RATE_HZ))


def test_a_stream_whose_channels_get_fewer_or_more_loses_no_sample() -> None:
    downmix = Downmix(rate_hz=RATE_HZ)
    parts = [VOICE[:100, None], stereo(VOICE, VOICE)[100:333], VOICE[333:, None]]
    assert np.array_equal(np.concatenate([*map(downmix.push, parts), downmix.flush()]), VOICE)


def test_blocks_of_a_stream_with_a_gap_are_mixed_before_it_and_after_it() -> None:
    maker = BlockMaker(rate_hz=RATE_HZ, block_ms=30)
    channels = stereo(VOICE, -VOICE)
    blocks = [*maker.push(0, channels[:1_000]), *maker.push(20_000, channels[1_000:]), *maker.flush()]
    assert [b.first_sample for b in blocks if len(b.samples) < 480] == [960, 20_000 + 30_720]
    heard = np.concatenate([block.samples for block in blocks])
    assert np.array_equal(heard, spoken(2.0))
