import numpy as np
import pytest
from numpy.typing import NDArray

from device.capture.blocks import Block, BlockMaker


def tone(rate_hz: int, seconds: float = 1.0, hz: float = 440.0) -> NDArray[np.float32]:
    moments_s = np.arange(round(rate_hz * seconds)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * hz * moments_s)).astype(np.float32)


def pushed(maker: BlockMaker, sound: NDArray[np.float32], first: int = 0, piece: int = 700) -> list[Block]:
    return [b for i in range(0, len(sound), piece) for b in maker.push(first + i, sound[i : i + piece])]


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_sound_of_any_rate_keeps_its_length_place_and_loudness(rate_hz: int) -> None:
    maker = BlockMaker(rate_hz=rate_hz, block_ms=30)
    blocks = [*pushed(maker, tone(rate_hz)), *maker.flush()]
    heard = np.concatenate([block.samples for block in blocks])
    assert len(heard) == 16_000
    error = heard - tone(16_000) * 32_768
    assert np.abs(error[200:-200]).max() < 1  # the converter's edges ring


def test_16_khz_passes_bit_by_bit() -> None:
    sound = np.random.default_rng(3).integers(-32_768, 32_768, 5_000).astype(np.int16)
    maker = BlockMaker(rate_hz=16_000, block_ms=30)
    blocks = [*pushed(maker, (sound / 32_768).astype(np.float32)), *maker.flush()]
    assert np.array_equal(np.concatenate([block.samples for block in blocks]), sound)
    assert [len(block.samples) for block in blocks] == [480] * 10 + [200]
    assert [block.first_sample for block in blocks] == list(range(0, 5_000, 480))


def test_what_is_louder_than_full_scale_is_cut_and_never_wraps_around() -> None:
    loud = np.array([2.0, 1.0, -1.0, -3.0], dtype=np.float32)
    maker = BlockMaker(rate_hz=16_000, block_ms=30)
    maker.push(0, loud)
    assert maker.flush()[0].samples.tolist() == [32_767, 32_767, -32_768, -32_768]


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_a_jump_coming_in_is_the_same_jump_going_out_and_no_block_spans_it(rate_hz: int) -> None:
    maker = BlockMaker(rate_hz=rate_hz, block_ms=30)
    before = pushed(maker, tone(rate_hz, 0.1))
    after = [*pushed(maker, -tone(rate_hz, 0.1), first=rate_hz), *maker.flush()]
    blocks = [*before, *after]
    ends = [block.first_sample + len(block.samples) for block in blocks]
    assert ends[-1] == 17_600
    assert [i for i, block in enumerate(blocks[1:]) if block.first_sample != ends[i]] == [3]
    assert (blocks[3].first_sample, ends[3], blocks[4].first_sample) == (1_440, 1_600, 16_000)


def test_a_jump_too_small_for_a_sample_at_16_khz_still_shows() -> None:
    maker = BlockMaker(rate_hz=48_000, block_ms=30)
    pushed(maker, tone(48_000, 0.03))
    blocks = [*maker.push(1_441, tone(48_000, 0.03)), *maker.flush()]
    assert blocks[-1].first_sample > 480
