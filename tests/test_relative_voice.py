"""Features that learn what a stream's voices sound like: in order, for one stream, and again the same."""

from __future__ import annotations

import numpy as np
import pytest
from perception import blocks, in_a_room, pause, spoken

from device.arrays import FloatArray, PcmArray
from device.features import logmel
from device.features.frames import speech_frames
from device.features.functionals import functionals
from device.features.relative_voice import FEATURE_VERSION, RelativeVoice
from device.features.speaker_reference import SpeakerReference
from device.features.speech_front_end import SpeechFrontEnd

CALM = in_a_room(pause(0.8), spoken(3.0, pitch_hz=110), pause(1.5), spoken(3.0, pitch_hz=120), pause(1.5))
HIGHER = in_a_room(pause(0.8), spoken(3.0, pitch_hz=150), pause(1.5))


def heard(front_end: SpeechFrontEnd, *sounds: PcmArray) -> list[FloatArray]:
    inputs, at = [], 0
    for sound in sounds:
        found = [front_end(block) for block in blocks(sound, first_sample=at)]
        inputs += [given.values for given in found if given]
        at += len(sound)
    return inputs


def fresh() -> SpeechFrontEnd:
    return SpeechFrontEnd(FEATURE_VERSION)


def test_the_input_is_the_spectra_and_a_row_relative_to_the_neutral_voice_at_first() -> None:
    frames = speech_frames(spoken(2.0))
    found = functionals(frames)
    assert found is not None
    made = RelativeVoice()(frames)
    assert made.shape == (129, 40)
    assert made.dtype == np.float32
    np.testing.assert_array_equal(made[:128], logmel.model_input(frames.energies))
    np.testing.assert_array_equal(made[128, :21], SpeakerReference().relative(found).astype(np.float32))
    assert not made[128, 21:].any()
    np.testing.assert_array_equal(RelativeVoice().row(frames), made[128])


def test_nothing_is_learnt_of_what_has_no_voice() -> None:
    features, hiss = RelativeVoice(), speech_frames(np.random.default_rng(1).integers(-900, 900, 48_000, np.int16))
    before = RelativeVoice().row(speech_frames(CALM[12_800:]))
    assert not features.row(hiss).any()
    np.testing.assert_array_equal(features.row(speech_frames(CALM[12_800:])), before)


@pytest.mark.slow
def test_a_voice_is_told_beside_what_was_heard_before_it() -> None:
    alone, after = heard(fresh(), HIGHER), heard(fresh(), *[CALM] * 6, HIGHER)[-4:]
    assert after[-1][128, 0] > alone[-1][128, 0] + 0.5
    np.testing.assert_allclose(after[-1][:128], alone[-1][:128], atol=0.1)


@pytest.mark.slow
def test_a_replay_is_causal_and_comes_out_the_same_again() -> None:
    whole, again, beginning = heard(fresh(), CALM, HIGHER), heard(fresh(), CALM, HIGHER), heard(fresh(), CALM)
    assert len(whole) > len(beginning) > 4
    for one, same in zip(whole, again, strict=True):
        np.testing.assert_array_equal(one, same)
    for one, same in zip(whole, beginning, strict=False):
        np.testing.assert_array_equal(one, same)


@pytest.mark.slow
def test_two_streams_share_nothing() -> None:
    one, other, alone = fresh(), fresh(), heard(fresh(), HIGHER)
    heard(one, *[CALM] * 3)
    for own, expected in zip(heard(other, HIGHER), alone, strict=True):
        np.testing.assert_array_equal(own, expected)


@pytest.mark.slow
def test_a_stream_that_ends_is_forgotten() -> None:
    front_end, alone = fresh(), heard(fresh(), HIGHER)
    heard(front_end, *[CALM] * 3)
    front_end.finish()
    np.testing.assert_array_equal(heard(front_end, HIGHER)[-1][128], alone[-1][128])
