"""A microphone's offset and the mains' hum: no voice is lost in them, and a clean one is left as it is."""

from __future__ import annotations

import json
import wave
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from appliance import HAPPY_CLIP, affectd, running, write_config
from broker import HOST, Listener, Mosquitto
from fakes import eventually
from hypothesis import given, settings
from hypothesis import strategies as st
from perception import blocks, hiss, in_a_room, load, model, pause, spoken
from scipy.signal import lfilter
from virtual_hardware import has_pulseaudio, virtual_microphone

from device.arrays import PcmArray
from device.capture.container import sound_blocks
from device.capture.sound_watch import MUTE, SoundWatch
from device.features.hum import HumFilter, without_hum
from device.models.speech_emotion import SpeechRecogniser
from device.readings import Reading
from device.signals import SAMPLE_RATE_HZ
from quantize.inputs.front_ends import longest_segment

pytestmark = pytest.mark.slow

SENTENCE = in_a_room(pause(1), spoken(3), pause(1.5))


def tone(hz: float, dbfs: float, seconds: float, phase: float = 0.4) -> PcmArray:
    moments_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    wave_ = 32768 * 2**0.5 * 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * moments_s + phase)
    return np.rint(wave_).astype(np.int16)


def dbfs(sound: PcmArray) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(np.square(sound / 32768))) + 1e-9))


@pytest.mark.parametrize(
    ("hz", "at_most_db", "at_least_db"),
    [
        *[(0.01, -35, -999), (49.8, -12, -999), (50, -40, -999), (60, -40, -999), (60.2, -12, -999)],
        *[(75, 0.2, -0.2), (85, 0.1, -0.1), (120, 0.1, -0.1), (1000, 0.1, -0.1), (7000, 0.1, -0.1)],
    ],
)
def test_offset_and_hum_go_and_voices_stay(hz: float, at_most_db: float, at_least_db: float) -> None:
    sound = tone(hz, -20, 4, phase=np.pi / 2)
    settled = slice(2 * SAMPLE_RATE_HZ, None)
    gain_db = dbfs(without_hum(sound)[settled]) - dbfs(sound[settled])
    assert at_least_db <= gain_db <= at_most_db


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, len(SENTENCE)), max_size=12))
def test_how_the_stream_is_cut_changes_nothing(cuts: list[int]) -> None:
    hear = HumFilter()
    pieces = np.split(SENTENCE + 900, sorted(cuts))
    np.testing.assert_array_equal(np.concatenate([hear(piece) for piece in pieces]), without_hum(SENTENCE + 900))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    hum_dbfs=st.sampled_from([-90, -30, -10]),
    offset=st.sampled_from([-9000, 0, 300]),
    cuts=st.lists(st.integers(0, 20_000), max_size=12),
)
def test_it_is_the_recursion_from_sample_to_sample(seed: int, hum_dbfs: float, offset: int, cuts: list[int]) -> None:
    noise = np.random.default_rng(seed).normal(offset, 4000, 20_000)
    sound = np.clip(np.rint(noise), -32768, 32767).astype(np.int16) // 2 + tone(50, hum_dbfs, 1.25)
    hear, edges = HumFilter(), [0, *sorted(cuts), len(sound)]
    heard = np.concatenate([hear(sound[a:b]) for a, b in pairwise(edges)])
    np.testing.assert_array_equal(heard, by_recursion(sound))


def by_recursion(sound: PcmArray) -> PcmArray:
    """The textbook's difference equations, one filter after the other."""
    pole = 1 - 2 * np.pi * 5 / SAMPLE_RATE_HZ
    found = lfilter([1, -1], [1, -pole], sound - float(sound[0]))
    for hz in (50, 60):
        cosine, radius = np.cos(2 * np.pi * hz / SAMPLE_RATE_HZ), 1 - np.pi * 1.6 / SAMPLE_RATE_HZ
        found = lfilter([1, -2 * cosine, 1], [1, -2 * radius * cosine, radius**2], found)
    return np.asarray(np.clip(np.rint(found), -32768, 32767), dtype=np.int16)


@pytest.mark.parametrize("value", [-32768, -2300, 0, 2300, 32767])
def test_a_sound_that_begins_in_its_offset_has_no_step_there(value: int) -> None:
    assert not without_hum(np.full(SAMPLE_RATE_HZ, value, dtype=np.int16)).any()


def readings(samples: PcmArray) -> list[Reading]:
    recognise = SpeechRecogniser(model("affectd-1-speech"))
    found = [recognise(block) for block in blocks(samples)]
    return [r for r in [*found, recognise.finish()] if r]


def leaders(samples: PcmArray) -> list[int]:
    return [int(np.argmax(reading.probs)) for reading in readings(samples)]


SECONDS = len(SENTENCE) / SAMPLE_RATE_HZ
FAULTS = {
    "7 % of offset": lambda sound: sound + np.int16(0.07 * 32768),
    "50 Hz at -23 dBFS": lambda sound: sound + tone(50, -23, len(sound) / SAMPLE_RATE_HZ),
    "60 Hz at -35 dBFS": lambda sound: sound + tone(60, -35, len(sound) / SAMPLE_RATE_HZ),
    "offset and hum": lambda sound: sound + np.int16(1500) + tone(50, -30, len(sound) / SAMPLE_RATE_HZ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_voice_is_read_as_it_is_without(fault: str) -> None:
    assert leaders(FAULTS[fault](SENTENCE)) == leaders(SENTENCE)


def test_a_soft_voice_is_received_beside_one_percent_of_offset() -> None:
    soft = (spoken(3) * 0.05).astype(np.int16)
    sound = np.concatenate([pause(1), soft, pause(1.5)]) + hiss(5.5, -80)
    assert len(leaders(sound)) > 0
    assert leaders(sound + np.int16(328)) == leaders(sound)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_workshop_receives_what_the_appliance_receives(fault: str) -> None:
    segment = longest_segment(FAULTS[fault](SENTENCE))
    assert segment is not None
    assert len(segment) == pytest.approx(3.3 * SAMPLE_RATE_HZ, abs=0.5 * SAMPLE_RATE_HZ)


def with_offset(folder: Path, times: int = 1) -> Path:
    sound = np.tile(np.concatenate([block.samples for block in sound_blocks(HAPPY_CLIP, 30)]), times)
    path = folder / "offset.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE_HZ)
        file.writeframes((sound + np.int16(0.07 * 32768)).tobytes())
    return path


def test_a_recording_with_an_offset_is_read_as_without(tmp_path: Path) -> None:
    def labels(path: Path) -> list[str]:
        done = affectd("replay", path, "--mode", "speech", "--json")
        return [json.loads(line)["label"] for line in done.stdout.splitlines()]

    assert labels(with_offset(tmp_path)) == labels(HAPPY_CLIP)
    assert set(labels(HAPPY_CLIP)) != {"nobody"}


def test_a_microphone_with_an_offset_is_received_and_its_offset_named(tmp_path: Path) -> None:
    if not has_pulseaudio():
        pytest.skip("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    folders = [tmp_path / name for name in ("broker", "sound")]
    for folder in folders:
        folder.mkdir()
    with (
        Mosquitto(folders[0]) as broker,
        virtual_microphone(folders[1]) as hardware,
        hardware.playing(with_offset(tmp_path, times=40)),
        Listener(broker.port) as house,
    ):
        config = write_config(
            tmp_path,
            node={"mode": "speech", "purpose": "research"},
            microphone={"name": "affectd_mic"},
            mqtt={"host": HOST, "port": broker.port},
        )
        with running(config, hardware.environment):
            eventually(lambda: any(s["modalities"]["speech"]["present"] for s in house.json("affectd/test/state")), 40)
            eventually(
                lambda: any("offset" in str(s["reason"]) for s in house.json("affectd/test/status/microphone")), 40
            )
            assert house.json("affectd/test/status/microphone")[-1]["state"] == "degraded"


def test_clean_voices_are_read_as_before(shared_data: Path) -> None:
    clips = [load(path) for path in sorted(shared_data.glob("ravdess/*/*.flac"))[::48]]
    clean = [clip - np.int16(round(float(clip.mean()))) for clip in clips]
    changed = [dbfs(without_hum(clip) - clip) - dbfs(clip) for clip in clean]
    assert np.median(changed) < -25


def told(*parts: PcmArray) -> str:
    watch = SoundWatch()
    for part in parts:
        for block in blocks(part):
            watch.update(block.samples)
    return watch.warning


@pytest.mark.parametrize(
    ("offset", "is_named"), [(0, False), (0.01, False), (0.045, False), (0.07, True), (-0.07, True), (0.3, True)]
)
def test_a_large_offset_is_named_and_a_small_one_is_not_worth_a_word(offset: float, is_named: bool) -> None:
    problem = told(SENTENCE + np.int16(offset * 32768))
    assert ("offset" in problem) is is_named


def test_a_loud_voice_has_no_offset() -> None:
    loud = np.clip(SENTENCE.astype(np.int32) * 10, -32768, 32767).astype(np.int16)
    assert told(loud) == ""


def test_an_offset_that_is_mended_is_not_named_any_more() -> None:
    bad, good = SENTENCE + np.int16(2300), np.tile(SENTENCE, 3)
    assert "offset" in told(bad)
    assert told(bad, good) == ""


def test_a_mute_microphone_is_named_as_such() -> None:
    assert told(pause(11)) == MUTE
    assert told(pause(9)) == ""
