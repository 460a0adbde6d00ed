"""A corpus heard as an appliance would hear it: each speaker by themselves, in one order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from perception import blocks
from synthetic import voice, voices

from device.arrays import FloatArray
from device.features.frames import speech_frames
from device.features.relative_voice import FEATURE_VERSION, RelativeVoice
from device.features.speech import SPEECH_FEATURES
from device.features.speech_windows import SpeechWindower
from quantize.datasets import Samples
from quantize.inputs.front_ends import RELATIVE_SPEECH
from quantize.inputs.preprocess import preprocess
from quantize.inputs.streams import last_input, rows_in_turn, speakers_in_turn

pytestmark = pytest.mark.slow


def of_two() -> Samples:
    split = voices(each=2)
    parts = [preprocess(RELATIVE_SPEECH, part.take(range(5)), "voices") for part in (split.train, split.test)]
    return Samples(
        names=[name for part in parts for name in part.names],
        signals=[signal for part in parts for signal in part.signals],
        labels=np.concatenate([part.labels for part in parts]),
        groups=[group for part in parts for group in part.groups],
    )


def by_name(samples: Samples) -> dict[str, FloatArray]:
    return dict(zip(samples.names, RELATIVE_SPEECH.inputs(samples), strict=True))


def test_speakers_are_heard_by_themselves_in_an_order_that_is_not_the_corpus_s() -> None:
    names = [f"{label}-{number}" for label in ("angry", "sad") for number in range(20)]
    turns = speakers_in_turn(names, ["ann", "bob"] * 20)
    assert {group: sorted(numbers) for group, numbers in turns.items()} == {
        "ann": list(range(0, 40, 2)),
        "bob": list(range(1, 40, 2)),
    }
    assert turns == speakers_in_turn(names, ["ann", "bob"] * 20)
    changes = sum((one < 20) != (other < 20) for one, other in pairwise(turns["ann"]))
    assert changes > 3


def test_inputs_do_not_depend_on_how_a_corpus_is_sorted_or_who_else_is_in_it() -> None:
    samples = of_two()
    known = by_name(samples)
    turned, alone = by_name(samples.take(range(len(samples) - 1, -1, -1))), by_name(samples.take(range(5)))
    for name, values in known.items():
        np.testing.assert_array_equal(turned[name], values)
    for name, values in alone.items():
        np.testing.assert_array_equal(known[name], values)


def test_an_input_depends_on_what_its_speaker_said_before_alone() -> None:
    samples = of_two().take(range(5))
    (order,) = speakers_in_turn(samples.names, samples.groups).values()
    known, first, last = by_name(samples), order[0], order[-1]
    without_last, without_first = (by_name(samples.take([n for n in order if n != left])) for left in (last, first))
    for name, values in without_last.items():
        np.testing.assert_array_equal(known[name], values)
    assert any(np.any(without_first[samples.names[n]] != known[samples.names[n]]) for n in order[1:])


def test_what_a_long_segment_teaches_of_itself_is_what_the_appliance_learns_of_it() -> None:
    clip = voice(np.random.default_rng(3), pitch_hz=140, seconds=4.2)
    framer = SpeechWindower(SPEECH_FEATURES[FEATURE_VERSION]())
    windows = [*(window for block in blocks(clip) for window in framer.push(block)), *framer.finish()]
    assert len(windows) > 4
    segment = RELATIVE_SPEECH.preprocess(clip)
    assert segment is not None
    np.testing.assert_allclose(last_input(segment, RelativeVoice()), windows[-1].features, atol=1e-5)


def test_rows_are_those_of_the_inputs_and_a_short_segment_has_one_window() -> None:
    samples = of_two().take(range(5))
    features = RelativeVoice()
    inputs = [last_input(segment, features)[128] for segment in samples.signals]
    np.testing.assert_array_equal(rows_in_turn(samples.signals), np.stack(inputs))
    short = samples.signals[0][:9000]
    np.testing.assert_array_equal(rows_in_turn([short])[0], RelativeVoice().row(speech_frames(short)))
