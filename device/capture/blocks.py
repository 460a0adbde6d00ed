"""Resampling and mixing: sound at any rate and of any channels into int16 blocks of one length at 16 kHz."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import soxr

from device.arrays import PcmArray
from device.capture.downmix import Downmix, FloatingArray
from device.signals import SAMPLE_RATE_HZ


@dataclass(frozen=True, eq=False, slots=True)
class Block:
    """Samples at 16 kHz, with the number in the 16 kHz stream of the first one."""

    first_sample: int
    samples: PcmArray


class BlockMaker:
    """Converts a stream of floats to 16 kHz mono int16 and cuts it into blocks of ``block_ms``.

    A jump in the numbers of the samples coming in ends the block and starts the converter anew, and shows as a jump
    in the numbers going out: nothing is made of two moments. At 16 kHz samples pass as they are.
    """

    def __init__(self, *, rate_hz: int, block_ms: int) -> None:
        self._rate_hz = rate_hz
        self._block_samples = SAMPLE_RATE_HZ * block_ms // 1000
        self._expected = 0  # number of the next sample coming in without a jump
        self._next_out = 0
        self._waiting: PcmArray = np.zeros(0, dtype=np.int16)
        self._downmix = Downmix(rate_hz=rate_hz)
        self._converter = soxr.ResampleStream(rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32")

    def push(self, first: int, samples: FloatingArray) -> list[Block]:
        """The blocks that are whole with these samples, from number ``first`` on.

        Any number of them, full scale ±1, as (samples,) or (samples, channels).
        """
        before: list[Block] = []
        if first != self._expected:
            before = self.flush()
            self._next_out = max(self._next_out + 1, round(first * SAMPLE_RATE_HZ / self._rate_hz))
        self._expected = first + len(samples)
        self._waiting = np.concatenate([self._waiting, self._convert(self._downmix.push(samples), last=False)])
        return before + self._cut()

    def flush(self) -> list[Block]:
        """What is left at the end of the stream, the last block as short as it is."""
        rest = self._convert(self._downmix.flush(), last=True)
        self._waiting = np.concatenate([self._waiting, rest])
        self._converter.clear()
        blocks = self._cut()
        if len(self._waiting):
            blocks.append(self._take(len(self._waiting)))
        return blocks

    def _convert(self, samples: FloatingArray, *, last: bool) -> PcmArray:
        samples = samples.astype(np.float32)
        if self._rate_hz != SAMPLE_RATE_HZ:
            samples = self._converter.resample_chunk(samples, last=last)
        return np.clip(np.rint(samples * 32768), -32768, 32767).astype(np.int16)

    def _cut(self) -> list[Block]:
        return [self._take(self._block_samples) for _ in range(len(self._waiting) // self._block_samples)]

    def _take(self, count: int) -> Block:
        block = Block(self._next_out, self._waiting[:count])
        self._waiting = self._waiting[count:]
        self._next_out += count
        return block
