"""What is said to be done to a face or a voice is what is done to it."""

import hashlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from perception import astronaut, detector
from scipy.signal import butter, sosfiltfilt
from synthetic import voice

from device.signals import SAMPLE_RATE_HZ
from quantize.datasets import DatasetError
from quantize.datasets.noises import noise_files, read_noises
from quantize.studies.degradations import Degradation, degraded, rng_of
from quantize.studies.degraded_faces import EYES, GAMMA, MOUTH, Bar, face_degradations, in_low_light, jpeg
from quantize.studies.degraded_voices import (
    active_power,
    cut,
    in_noise,
    in_room,
    room_response,
    softened,
    telephoned,
    voice_degradations,
)

FACE = np.asarray(cv2.resize(astronaut()[60:160, 135:235], (48, 48), interpolation=cv2.INTER_AREA), dtype=np.uint8)
VOICE = voice(np.random.default_rng(1), pitch_hz=180, seconds=2)
HISS = np.asarray(np.random.default_rng(2).normal(0, 500, 3 * SAMPLE_RATE_HZ), dtype=np.int16)
HUM = np.asarray(900 * np.sin(np.arange(SAMPLE_RATE_HZ // 3) / 9), dtype=np.int16)
FACES, VOICES = face_degradations(), voice_degradations([HISS, HUM])
EACH = [*((d, FACE) for d in FACES), *((d, VOICE) for d in VOICES)]
NAMED = [d.name for d in (*FACES, *VOICES)]


def decibels(ratio: float) -> float:
    return float(10 * np.log10(ratio))


def power(samples: NDArray[Any]) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))


@pytest.mark.parametrize(("degradation", "signal"), EACH, ids=NAMED)
def test_it_changes_a_copy_and_keeps_shape_and_type(degradation: Degradation, signal: NDArray[Any]) -> None:
    given = signal.copy()
    given.flags.writeable = False
    made = degradation.apply(given, rng_of("someone"))
    assert (made.shape, made.dtype) == (signal.shape, signal.dtype)
    assert not np.array_equal(made, signal)


@pytest.mark.parametrize(("degradation", "signal"), EACH, ids=NAMED)
def test_a_sample_meets_the_same_chance_whoever_comes_before(degradation: Degradation, signal: NDArray[Any]) -> None:
    three = degraded([signal] * 3, ["ann", "bob", "carol"], degradation)
    alone = degraded([signal], ["bob"], degradation)
    assert np.array_equal(three[1], alone[0])
    assert np.array_equal(three[1:][0], three[1])


def test_no_two_have_the_same_name() -> None:
    assert len(set(NAMED)) == len(NAMED)
    assert {"low light -4 stops", "eyes hidden", "noise 10 dB SNR", "reverberation 0.6 s"} <= set(NAMED)


@pytest.mark.parametrize("clip", [np.zeros(9000, dtype=np.int16), np.full(100, 7, dtype=np.int16), VOICE[:1]])
@pytest.mark.parametrize("degradation", VOICES, ids=lambda d: str(d.name))
def test_silence_and_the_shortest_clips_survive(degradation: Degradation, clip: NDArray[np.int16]) -> None:
    assert degradation.apply(clip, rng_of("nobody")).shape == clip.shape


@pytest.mark.parametrize("family", ["low light", "blur", "motion", "JPEG quality", "resolution"])
def test_within_a_family_each_level_is_farther_from_the_clean_face(family: str) -> None:
    levels = [d.apply(FACE, rng_of("someone")) for d in FACES if d.family == family]
    likeness = [np.corrcoef(FACE.ravel(), made.ravel())[0, 1] for made in levels]
    assert likeness == sorted(likeness, reverse=True)
    assert len(likeness) > 1


@pytest.mark.parametrize(("name", "bar"), [("eyes hidden", EYES), ("mouth hidden", MOUTH)])
def test_a_bar_is_black_and_everything_else_is_left(name: str, bar: Bar) -> None:
    (made,) = (d.apply(FACE, rng_of("someone")) for d in FACES if d.name == name)
    assert not made[bar].any()
    made[bar] = FACE[bar]
    assert np.array_equal(made, FACE)


@pytest.mark.slow
def test_the_bars_lie_where_faces_of_fer2013_have_eyes_and_mouth(shared_data: Path) -> None:
    with np.load(shared_data / "fer2013" / "fer2013_ferplus.npz") as corpus:
        images = corpus["images"][corpus["usage"] == 2][::24]
    framed = [cv2.copyMakeBorder(image, 24, 24, 24, 24, cv2.BORDER_REPLICATE) for image in images]
    enlarged = [cv2.resize(f, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for f in framed]
    found = [faces[0] for picture in enlarged if (faces := detector()(np.asarray(picture, dtype=np.uint8)))]
    points = np.array([(f.right_eye, f.left_eye, f.mouth) for f in found]) / 3 - 24
    for part, bar in ((0, EYES), (1, EYES), (2, MOUTH)):
        assert np.mean([_covers(bar, point) for point in points[:, part]]) > 0.82


def _covers(bar: Bar, point: NDArray[np.float64]) -> bool:
    rows, columns = bar
    return bool(rows.start <= point[1] < rows.stop and columns.start <= point[0] < columns.stop)


@pytest.mark.parametrize(("stops", "expected"), [(-2, 1.0), (-4, 0.5), (-6, 0.125)])
def test_in_low_light_gain_makes_up_for_what_it_can(stops: int, expected: float) -> None:
    grey = np.full((48, 48), 150, dtype=np.uint8)
    made = in_low_light(grey, rng_of("someone"), light=2.0**stops)
    assert np.mean((made / 150) ** GAMMA) == pytest.approx(expected, rel=0.06)


def test_less_light_is_more_noise() -> None:
    grey = np.full((48, 48), 150, dtype=np.uint8)
    bright, dim = (in_low_light(grey, rng_of("someone"), light=light) / 150.0 for light in (1 / 4, 1 / 64))
    assert dim.std() / dim.mean() > 3 * bright.std() / bright.mean()


def test_jpeg_is_opencvs() -> None:
    assert np.abs(jpeg(FACE, rng_of(""), quality=95).astype(int) - FACE).mean() < 3
    assert np.abs(jpeg(FACE, rng_of(""), quality=5).astype(int) - FACE).mean() > 8


@pytest.mark.parametrize("snr_db", [20, 10, 5, 0])
@pytest.mark.parametrize("noise", [HISS, HUM], ids=["hiss", "hum"])
def test_noise_is_as_far_below_the_speech_as_was_asked(snr_db: int, noise: NDArray[np.int16]) -> None:
    mixed = in_noise(VOICE, rng_of("someone"), noises=[noise], snr_db=snr_db)
    added = mixed.astype(np.int64) - VOICE
    assert decibels(active_power(VOICE) / power(added)) == pytest.approx(snr_db, abs=0.1)


def test_pauses_do_not_count_as_speech() -> None:
    padded = np.pad(VOICE, 4 * SAMPLE_RATE_HZ)
    assert power(padded) < 0.3 * power(VOICE)
    assert decibels(active_power(padded) / active_power(VOICE)) == pytest.approx(0, abs=0.2)


def test_all_levels_of_noise_are_of_one_noise() -> None:
    loud, soft = (in_noise(VOICE, rng_of("ann"), noises=[HISS, HUM], snr_db=db) - VOICE.astype(int) for db in (0, 20))
    assert np.corrcoef(loud, soft)[0, 1] > 0.99


def test_a_mix_too_loud_for_16_bits_is_made_softer_not_cut() -> None:
    shout = np.asarray(VOICE * (32000 / np.abs(VOICE).max()), dtype=np.int16)
    mixed = in_noise(shout, rng_of("someone"), noises=[HISS], snr_db=0)
    assert np.abs(mixed.astype(int)).max() == 32767
    assert np.sum(np.abs(mixed.astype(int)) >= 32766) < 4


@pytest.mark.parametrize("rt60_s", [0.3, 0.6, 1.0])
def test_the_sound_in_a_room_falls_by_60_decibels_in_its_time(rt60_s: float) -> None:
    tail = room_response(rng_of("someone"), rt60_s)[1:]
    left = np.cumsum(tail[::-1] ** 2)[::-1]  # Schroeder's backward integration
    levels = 10 * np.log10(left / left[0])
    falling = slice(int(np.argmax(levels < -5)), int(np.argmax(levels < -35)))  # T30 of ISO 3382
    slope = np.polyfit(np.arange(len(levels))[falling] / SAMPLE_RATE_HZ, levels[falling], 1)[0]
    assert -60 / slope == pytest.approx(rt60_s, rel=0.05)


def test_a_room_smears_speech_but_leaves_it_as_loud() -> None:
    made = in_room(VOICE, rng_of("someone"), rt60_s=1.0)
    assert decibels(power(made) / power(VOICE)) == pytest.approx(0, abs=0.1)
    assert power(made[-4000:]) > 20 * power(VOICE[-4000:])


def test_a_telephone_passes_speech_from_300_to_3400_hz() -> None:
    def gain_db(pitch_hz: float) -> float:
        tone = np.asarray(
            8000 * np.sin(2 * np.pi * pitch_hz * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ), dtype=np.int16
        )
        return decibels(power(telephoned(tone, rng_of(""))) / power(tone))

    assert [gain_db(hz) for hz in (500, 1000, 2500)] == pytest.approx([0, 0, 0], abs=0.5)
    assert max(gain_db(100), gain_db(5000)) < -25


def test_mu_law_keeps_38_decibels_between_a_tone_and_its_steps() -> None:
    tone = np.asarray(8000 * np.sin(2 * np.pi * 997 * np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ), dtype=np.int16)
    coded = telephoned(tone, rng_of(""))[2000:-2000].astype(np.float64)
    rest = sosfiltfilt(butter(4, (900, 1100), "bandstop", fs=SAMPLE_RATE_HZ, output="sos"), coded)[2000:-2000]
    assert decibels(power(coded) / power(rest)) == pytest.approx(38, abs=3)


def test_clipping_cuts_at_so_many_decibels_below_the_peak() -> None:
    made = cut(VOICE, rng_of(""), by_db=12)
    assert decibels((np.abs(VOICE).max() / np.abs(made).max()) ** 2) == pytest.approx(12, abs=0.1)
    untouched = np.abs(VOICE) < np.abs(made).max()
    assert np.array_equal(made[untouched], VOICE[untouched])


def test_softer_speech_is_the_same_speech() -> None:
    made = softened(VOICE, rng_of(""), by_db=20)
    assert decibels(power(VOICE) / power(made)) == pytest.approx(20, abs=0.1)
    assert np.corrcoef(made, VOICE)[0, 1] > 0.999


@pytest.mark.slow
def test_no_noise_is_in_both_halves(shared_data: Path) -> None:
    files = noise_files(shared_data)
    assert (len(files.training), len(files.held_out)) == (100, 100)
    assert not set(files.training) & set(files.held_out)
    assert not _hashes(files.training) & _hashes(files.held_out)
    assert noise_files(shared_data) == files


def _hashes(paths: tuple[Path, ...]) -> set[str]:
    """Of what is heard, not of how it is packed."""
    return {hashlib.sha256(clip.tobytes()).hexdigest() for clip in read_noises(paths)}


def test_the_first_noise_trains_and_the_second_is_held_out(tmp_path: Path) -> None:
    folder = tmp_path / "noise" / "some"
    folder.mkdir(parents=True)
    for name in ("b.wav", "a.flac", "c.ogg", "d.wav"):
        soundfile.write(folder / name, HUM, SAMPLE_RATE_HZ)
    (folder / "licence.txt").write_text("yours")
    files = noise_files(tmp_path)
    assert [path.name for path in files.training] == ["a.flac", "c.ogg"]
    assert [path.name for path in files.held_out] == ["b.wav", "d.wav"]


def test_padding_is_cut_out_of_a_noise_and_silence_left_out(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "padded.wav", np.pad(HISS, (0, 5 * SAMPLE_RATE_HZ)), SAMPLE_RATE_HZ)
    soundfile.write(tmp_path / "silent.wav", np.zeros(SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    (noise,) = read_noises([tmp_path / "padded.wav", tmp_path / "silent.wav"])
    assert np.array_equal(noise, HISS[: len(noise)])
    assert len(noise) > len(HISS) - 480


def test_without_noises_it_says_where_they_are_had(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"noise: 0 noises are there; get ESC-10"):
        noise_files(tmp_path)
