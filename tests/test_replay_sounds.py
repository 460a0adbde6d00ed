"""Sounds of any rate, depth and layout, as a replay gives them; and what cannot be played."""

import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from media_files import GREY, blocks, frames, picture, tone
from numpy.typing import NDArray

from device.capture.replay import open_media
from device.errors import MediaError

pytestmark = pytest.mark.slow


def heard(path: Path) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in blocks(open_media([path]))])


def test_a_16_khz_sound_is_received_bit_by_bit(tmp_path: Path) -> None:
    sound = np.random.default_rng(5).integers(-32_768, 32_768, 10_000).astype(np.int16)
    soundfile.write(tmp_path / "voice.flac", sound, 16_000)
    assert np.array_equal(heard(tmp_path / "voice.flac"), sound)


@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_a_sound_of_any_rate_and_depth_is_the_same_sound(tmp_path: Path, rate_hz: int, subtype: str) -> None:
    soundfile.write(tmp_path / "voice.wav", tone(rate_hz), rate_hz, subtype=subtype)
    sound = heard(tmp_path / "voice.wav")
    assert len(sound) == 8_000
    tolerance = 400 if subtype == "PCM_U8" else 2
    assert np.abs(sound - tone(16_000) * 32_768)[200:-200].max() < tolerance


@pytest.mark.parametrize("channels", [2, 6])
def test_channels_are_averaged(tmp_path: Path, channels: int) -> None:
    each = np.stack([tone(16_000, loudness=0.1 * (n + 1)) for n in range(channels)], axis=1)
    soundfile.write(tmp_path / "voice.wav", each, 16_000, subtype="FLOAT")
    assert np.abs(heard(tmp_path / "voice.wav") - each.mean(axis=1) * 32_768).max() <= 1


def test_floats_beyond_full_scale_are_cut_as_a_sound_card_cuts_them(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", np.array([1.5, -9.0, 1e30, 0.5]), 16_000, subtype="FLOAT")
    assert heard(tmp_path / "voice.wav").tolist() == [32_767, -32_768, 32_767, 16_384]


def test_a_sound_cut_off_is_played_as_far_as_it_goes(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", tone(16_000, 1.0), 16_000)
    whole = (tmp_path / "voice.wav").read_bytes()
    (tmp_path / "cut.wav").write_bytes(whole[: len(whole) // 2])
    assert len(heard(tmp_path / "cut.wav")) == pytest.approx(8_000, abs=50)


def silent_wav(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)


def cut_png(path: Path) -> None:
    picture(path, GREY)
    path.write_bytes(path.read_bytes()[:100])


def cut_jpeg(path: Path) -> None:
    picture(path, GREY)
    path.write_bytes(path.read_bytes()[:300])


def text(path: Path) -> None:
    path.write_text("to be or not to be\n" * 100)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.mp4": (lambda _: None, "No such file"),
    "empty.mp4": (Path.touch, "the file is empty"),
    "empty.png": (Path.touch, "the file is empty"),
    "empty.wav": (Path.touch, "the file is empty"),
    "text.mp4": (text, "not a picture, film or sound"),
    "text.png": (text, "the picture cannot be read"),
    "text.wav": (text, "not a picture, film or sound"),
    "cut.png": (cut_png, "the picture cannot be read"),
    "cut.jpg": (cut_jpeg, "the picture cannot be read"),
    "cut.mp4": (lambda path: path.write_bytes(b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41"), "not a picture, film"),
    "no_size.pgm": (lambda path: path.write_bytes(b"P5 0 0 255\n"), "the picture cannot be read"),
    "floats.tif": (lambda path: picture(path, GREY.astype(np.float32)), "the picture cannot be read"),
    "no_samples.wav": (silent_wav, "holds no picture and no sound"),
    "folder": (Path.mkdir, "no pictures in this folder"),
    "slow.wav": (lambda path: soundfile.write(path, tone(4_000), 4_000), "4000 samples a second"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_cannot_be_played_is_named_with_the_reason(
    tmp_path: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    make, reason = BAD[name]
    make(tmp_path / name)
    with pytest.raises(MediaError, match=reason) as caught:
        open_media([tmp_path / name])
    assert str(tmp_path / name) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert capfd.readouterr().err in ("", "Premature end of JPEG file\n")  # libjpeg cannot be told to be quiet


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_sound_that_is_not_numbers_is_refused(tmp_path: Path, value: float) -> None:
    sound = tone(16_000)
    sound[4_000] = value
    soundfile.write(tmp_path / "voice.wav", np.stack([sound, -sound], axis=1), 16_000, subtype="FLOAT")
    with pytest.raises(MediaError, match=r"voice\.wav: its sound has samples that are not numbers"):
        heard(tmp_path / "voice.wav")


def test_a_spoilt_picture_among_good_ones_is_named_when_it_is_reached(tmp_path: Path) -> None:
    picture(tmp_path / "1.png", GREY)
    cut_png(tmp_path / "2.png")
    with pytest.raises(MediaError, match=r"2\.png: the picture cannot be read"):
        frames(open_media([tmp_path]))


def test_a_picture_is_no_soundtrack(tmp_path: Path) -> None:
    still = picture(tmp_path / "face.png", GREY)
    with pytest.raises(MediaError, match=r"face\.png: has no sound to use as the scene's"):
        open_media([still], audio=still)


def test_six_performances_of_face_and_voice_are_one_scene_in_step(shared_data: Path) -> None:
    clips = sorted((shared_data / "crema_d" / "VideoFlash").glob("*.flv"))
    replay = open_media(clips, pause_s=1.0)
    shown, sound = frames(replay), blocks(replay)
    assert len(replay.parts) == 6
    for part in replay.parts:
        seen = [f.captured_ns for f in shown if part.start_ns <= f.captured_ns < part.end_ns]
        spoken = [b.captured_ns for b in sound if part.start_ns - 62_500 <= b.captured_ns < part.end_ns]
        assert abs(seen[0] - spoken[0]) < 0.05e9
        assert abs(seen[-1] - spoken[-1]) < 0.15e9
    assert sum(a.end_sample != b.first_sample for a, b in pairwise(sound)) == 5
