"""Streams: a corpus as an appliance would hear it, each speaker by themselves, one segment after the other."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

import numpy as np

from device.arrays import FloatArray, PcmArray
from device.features.frames import FrameStream, SpeechFrames
from device.features.mel import HOP_SAMPLES
from device.features.relative_voice import RelativeVoice


def speakers_in_turn(names: Sequence[str], groups: Sequence[str]) -> dict[str, list[int]]:
    """Of each group of samples their numbers, in the order in which they are heard.

    Drawn once by their names: corpora are sorted by emotion, as nobody speaks.
    """
    by_group: dict[str, list[int]] = {}
    for number in sorted(range(len(names)), key=lambda i: (zlib.crc32(names[i].encode()), names[i])):
        by_group.setdefault(groups[number], []).append(number)
    return by_group


def last_input(segment: PcmArray, features: RelativeVoice) -> FloatArray:
    """What the last reading of a voiced segment is made from, float32 (129, 40); its earlier windows are learnt of."""
    *earlier, last = _windows(segment)
    for frames in earlier:
        features.row(frames)
    return features(last)


def last_row(segment: PcmArray, features: RelativeVoice) -> FloatArray:
    """The last row of ``last_input``, float32 (40,)."""
    return [features.row(frames) for frames in _windows(segment)][-1]


def _windows(segment: PcmArray) -> Iterator[SpeechFrames]:
    """At each hop and at the end, as ``device.features.speech_windows`` has them."""
    stream, first = FrameStream(), 0
    for end in (*range(HOP_SAMPLES, len(segment), HOP_SAMPLES), len(segment)):
        stream.push(segment[first:end])
        yield stream.window()
        first = end


def inputs_in_turn(segments: Sequence[PcmArray], names: Sequence[str], groups: Sequence[str]) -> FloatArray:
    """The inputs of all segments, float32 (segments, 129, 40, 1): each speaker's relative to what they said before."""
    made: dict[int, FloatArray] = {}
    for numbers in speakers_in_turn(names, groups).values():
        features = RelativeVoice()
        made |= {number: last_input(segments[number], features) for number in numbers}
    return np.stack([made[number] for number in range(len(segments))])[..., np.newaxis]


def rows_in_turn(segments: Sequence[PcmArray]) -> FloatArray:
    """The last rows of one speaker's segments, in their order, float32 (segments, 40)."""
    features = RelativeVoice()
    return np.stack([last_row(segment, features) for segment in segments])
