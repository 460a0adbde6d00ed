from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from perception import Samples, blocks, hiss, in_a_room, load, model, pause, spoken

from device.errors import ModelError
from device.models.speech_emotion import SpeechRecogniser
from device.readings import Modality, Reading
from device.signals import SAMPLE_RATE_HZ, AudioBlock


def readings(samples: Samples, block_samples: int = 480) -> list[Reading]:
    recognise = SpeechRecogniser(model("baseline-speech"))
    found = [recognise(block) for block in blocks(samples, block_samples=block_samples)]
    return [r for r in [*found, recognise.finish()] if r]


SENTENCE = in_a_room(pause(1), spoken(3), pause(1.5))


@pytest.mark.slow
def test_a_sentence_gives_a_reading_each_hop_and_one_at_its_end() -> None:
    found = readings(SENTENCE)
    assert len(found) == 5
    assert {r.modality for r in found} == {Modality.SPEECH}
    assert all(sum(r.probs) == pytest.approx(1) for r in found)
    steps_s = np.diff([r.captured_ns for r in found]) / 1e9
    assert steps_s[:-1] == pytest.approx([0.75] * 3)


@pytest.mark.slow
def test_the_same_sound_gives_the_same_readings_however_it_is_cut() -> None:
    usual = readings(SENTENCE)
    assert readings(SENTENCE) == usual
    assert readings(SENTENCE, block_samples=1600) == usual


@pytest.mark.parametrize(
    "samples",
    [pause(0), pause(1)[:1], pause(4), hiss(4), hiss(4, -10), np.full(64_000, 32767, dtype=np.int16)],
    ids=["nothing", "one sample", "silence", "a quiet room", "loud hiss", "stuck at full scale"],
)
def test_no_voice_no_reading(samples: Samples) -> None:
    assert readings(samples) == []


def test_a_voice_recorded_far_too_loud_still_gives_valid_readings() -> None:
    clipped = np.clip(SENTENCE.astype(np.int32) * 60, -32768, 32767).astype(np.int16)
    for reading in readings(clipped):
        assert sum(reading.probs) == pytest.approx(1)
        assert 0 <= reading.quality <= 1


def with_sibilants(voice: Samples) -> Samples:
    """A hiss of a tenth of a second in each half: without, the voice is no wider than a telephone's."""
    heard = voice.copy()
    for at in range(0, len(voice), SAMPLE_RATE_HZ // 2):
        heard[at : at + SAMPLE_RATE_HZ // 10] += hiss(0.1, -35)
    return heard


@pytest.mark.slow
def test_the_nearer_the_noise_the_less_a_reading_counts() -> None:
    sound = np.concatenate([pause(1), with_sibilants(spoken(2)), pause(1)])
    qualities = [readings(sound + hiss(4, dbfs))[-1].quality for dbfs in (-70.0, -45.0, -40.0)]
    assert qualities == sorted(qualities, reverse=True)
    assert qualities[0] == 1
    assert qualities[2] < 0.8


def test_what_the_end_of_the_stream_cuts_off_is_not_lost() -> None:
    cut = SENTENCE[: round(1.7 * SAMPLE_RATE_HZ)]
    recognise = SpeechRecogniser(model("baseline-speech"))
    before = [recognise(block) for block in blocks(cut)]
    last = recognise.finish()
    assert last is not None
    assert last.captured_ns == len(cut) * 62_500
    assert last not in before
    assert recognise.finish() is None


def test_an_empty_block_is_no_reading() -> None:
    assert SpeechRecogniser(model("baseline-speech"))(AudioBlock(0, 0, pause(0))) is None


def test_a_face_model_is_refused() -> None:
    with pytest.raises(ModelError, match="kind is 'face'"):
        SpeechRecogniser(model("baseline-face"))


@pytest.mark.slow
def test_a_real_sentence_is_read_until_its_end(shared_data: Path) -> None:
    clip = shared_data / "ravdess/Actor_21/03-01-05-02-01-01-21.flac"
    found = readings(load(clip))
    assert len(found) >= 3
    assert {r.quality for r in found} == {1.0}
