import shutil
import subprocess
import threading
import time
import wave
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import soundfile
from fakes import eventually
from numpy.typing import NDArray

from device.capture.films import next_time_ns
from device.capture.replay import Replay, open_media
from device.capture.scene import open_clip
from device.errors import MediaError
from device.signals import AudioBlock, Frame

pytestmark = pytest.mark.slow

FILM_RATE_HZ = 25


def frames(replay: Replay) -> list[Frame]:
    assert replay.video is not None
    with replay.video as video:
        return list(video)


def blocks(replay: Replay) -> list[AudioBlock]:
    assert replay.audio is not None
    with replay.audio as audio:
        return list(audio)


def heard(path: Path) -> NDArray[np.int16]:
    return np.concatenate([block.samples for block in blocks(open_media([path]))])


def tone(rate_hz: int, seconds: float = 0.5, loudness: float = 0.5) -> NDArray[np.float64]:
    return np.asarray(loudness * np.sin(2 * np.pi * 440 * np.arange(round(rate_hz * seconds)) / rate_hz))


def film(path: Path, *, seconds: float = 1.0, sound: bool = True, options: tuple[str, ...] = ()) -> Path:
    """A test picture that moves, with a tone."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make films with: apt install ffmpeg")
    inputs = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate={FILM_RATE_HZ}:duration={seconds}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *options, str(path)], check=True, timeout=60)
    return path


def picture(path: Path, pixels: NDArray[Any]) -> Path:
    assert cv2.imwrite(str(path), pixels)
    return path


GREY = np.tile(np.arange(0, 256, 4, dtype=np.uint8), (48, 1))


# Films


@pytest.mark.parametrize("suffix", ["mp4", "flv", "avi", "mkv", "ts", "gif"])
def test_a_film_of_any_container_keeps_its_frames_and_their_times(tmp_path: Path, suffix: str) -> None:
    shown = frames(open_media([film(tmp_path / f"film.{suffix}", sound=suffix != "gif")]))
    times_s = np.array([frame.captured_ns for frame in shown]) / 1e9
    assert len(shown) == FILM_RATE_HZ
    assert np.diff(times_s)[1:] == pytest.approx(1 / FILM_RATE_HZ, abs=0.002)  # OpenCV skips a step after AVI's first
    assert times_s[0] < 0.1
    assert times_s[-1] == pytest.approx(1.0, abs=0.1)
    assert {(frame.grey.shape, frame.grey.dtype.name) for frame in shown} == {((48, 64), "uint8")}


def test_the_sound_of_a_film_lasts_as_long_as_its_pictures(tmp_path: Path) -> None:
    replay = open_media([film(tmp_path / "film.mp4")])
    sound = blocks(replay)
    assert sound[-1].end_sample == pytest.approx(16_000, abs=400)
    assert [block.captured_ns for block in sound] == [block.first_sample * 62_500 for block in sound]


def test_two_runs_and_a_second_reading_of_the_same_source_give_the_same_bytes(tmp_path: Path) -> None:
    path = film(tmp_path / "film.mp4")
    first, second = open_media([path]), open_media([path])
    runs = [
        [(f.captured_ns, f.grey.tobytes()) for f in frames(replay)]
        + [(b.captured_ns, b.first_sample, b.samples.tobytes()) for b in blocks(replay)]
        for replay in (first, first, second)
    ]
    assert runs[0] == runs[1] == runs[2]


def test_a_film_can_be_thinned_to_a_cameras_rate(tmp_path: Path) -> None:
    assert len(frames(open_media([film(tmp_path / "film.mp4")], rate_hz=5))) in (5, 6)


def test_a_film_that_starts_late_is_shown_late(tmp_path: Path) -> None:
    late = film(tmp_path / "late.mkv", options=("-af", "atrim=end=0.5", "-vf", "setpts=PTS+0.4/TB"))
    assert frames(open_media([late]))[0].captured_ns == pytest.approx(0.4e9, abs=0.05e9)


def test_sound_that_starts_late_is_received_late(tmp_path: Path) -> None:
    late = film(tmp_path / "late.mkv", options=("-af", "asetpts=PTS+0.4/TB", "-c:a", "pcm_s16le"))
    assert blocks(open_media([late]))[0].first_sample == pytest.approx(6_400, abs=400)


def test_a_film_on_its_side_is_turned(tmp_path: Path) -> None:
    upright = film(tmp_path / "film.mp4", sound=False)
    turned = tmp_path / "turned.mp4"
    command = ["ffmpeg", "-v", "error", "-display_rotation", "90", "-i", str(upright), "-c", "copy", str(turned)]
    if subprocess.run(command, capture_output=True, timeout=120).returncode != 0:
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(upright), "-c", "copy", "-metadata:s:v", "rotate=90", "{}"]
        subprocess.run([*command[:-1], str(turned)], check=True, timeout=120)
    assert frames(open_media([turned]))[0].grey.shape == (64, 48)


@pytest.mark.parametrize(
    ("said_ns", "expected_ns"),
    [(1_040, 1_040), (1_000, 1_010), (900, 1_010), (99_000, 1_010)],
    ids=["a step", "no step", "back", "past the end"],
)
def test_a_frame_time_that_cannot_be_is_replaced_by_one_step(said_ns: int, expected_ns: int) -> None:
    assert next_time_ns(said_ns, 1_000, 10, 5_000) == expected_ns


@pytest.mark.parametrize("keep", [0.5, 0.8])
def test_a_film_that_was_cut_off_is_played_as_far_as_it_goes(tmp_path: Path, keep: float) -> None:
    whole = film(tmp_path / "film.flv", seconds=2.0).read_bytes()
    cut = tmp_path / "cut.flv"
    cut.write_bytes(whole[: int(len(whole) * keep)])
    replay = open_media([cut])
    assert 0 < len(frames(replay)) < 2 * FILM_RATE_HZ
    assert 0 < len(blocks(replay)) < 2 * 34


def test_a_cover_picture_does_not_make_a_song_a_film(tmp_path: Path) -> None:
    cover = picture(tmp_path / "cover.png", GREY)
    song = tmp_path / "song.mp3"
    sound = ["-f", "lavfi", "-i", "sine=duration=1"]
    cover_options = ["-map", "0", "-map", "1", "-disposition:v", "attached_pic"]
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make a song with: apt install ffmpeg")
    subprocess.run(
        ["ffmpeg", "-v", "error", *sound, "-i", str(cover), *cover_options, str(song)], check=True, timeout=120
    )
    clip = open_clip(song)
    assert (clip.has_picture, clip.has_sound) == (False, True)


# Scenes


def test_each_clips_sound_starts_with_its_film_and_a_pause_is_between(tmp_path: Path) -> None:
    short, long = film(tmp_path / "a.mp4", seconds=0.6), film(tmp_path / "b.mp4", seconds=1.2)
    replay = open_media([short, long], pause_s=1.5)
    first, second = replay.parts
    assert second.start_ns - first.end_ns == 1.5e9
    shown, sound = frames(replay), blocks(replay)
    jumps = [(a, b) for a, b in pairwise(sound) if a.end_sample != b.first_sample]
    assert [b.captured_ns for _, b in jumps] == [pytest.approx(second.start_ns, abs=62_500)]
    assert next(f.captured_ns for f in shown if f.captured_ns >= first.end_ns) == second.start_ns
    assert sum(f.captured_ns < first.end_ns for f in shown) == 15


def test_another_sound_replaces_the_films_own(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", np.full(1_600, 0.25), 16_000)
    replay = open_media([film(tmp_path / "film.mp4")], audio=tmp_path / "voice.wav")
    assert np.concatenate([b.samples for b in blocks(replay)]).tolist() == [8_192] * 1_600
    assert len(frames(replay)) == FILM_RATE_HZ


def test_a_picture_and_a_sound_are_a_scene_of_two(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", tone(16_000), 16_000)
    replay = open_media([picture(tmp_path / "face.png", GREY), tmp_path / "voice.wav"], pause_s=1.0)
    assert [frame.captured_ns for frame in frames(replay)] == [0]
    assert blocks(replay)[0].first_sample == 17_600  # 0.1 s of picture, 1 s of pause


def test_a_silent_film_has_no_audio_and_a_sound_no_video(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", tone(16_000), 16_000)
    assert open_media([film(tmp_path / "film.mp4", sound=False)]).audio is None
    assert open_media([tmp_path / "voice.wav"]).video is None


def test_a_loop_goes_on_with_rising_times_and_the_same_pictures(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "voice.wav", tone(16_000, 0.3), 16_000)
    replay = open_media([tmp_path / "voice.wav"], loop=True, pause_s=0.2)
    assert replay.audio is not None
    with replay.audio as audio:
        looped = [block for _, block in zip(range(25), audio, strict=False)]
    assert [block.first_sample for block in looped[::10]] == [0, 8_000, 16_000]
    assert looped[0].samples.tobytes() == looped[10].samples.tobytes()


def test_a_paced_scene_takes_its_time_and_is_dated_by_the_monotonic_clock(tmp_path: Path) -> None:
    replay = open_media([film(tmp_path / "film.mp4", seconds=0.4)], paced=True)
    assert replay.video is not None
    assert replay.audio is not None
    seen: list[tuple[int, Frame]] = []
    before_ns = time.monotonic_ns()
    with replay.audio as audio, replay.video as video:
        viewer = threading.Thread(target=lambda: seen.extend((time.monotonic_ns(), frame) for frame in video))
        viewer.start()
        sound = [(time.monotonic_ns(), block) for block in audio]
        viewer.join(60)
    assert sound[-1][0] - before_ns > 0.38e9
    assert all(block.captured_ns <= now_ns - len(block.samples) * 62_500 for now_ns, block in sound)
    assert all(before_ns <= frame.captured_ns <= now_ns for now_ns, frame in seen)
    assert seen[-1][1].captured_ns - before_ns > 0.35e9


def test_close_from_another_thread_ends_a_paced_scene_at_once(tmp_path: Path) -> None:
    still = picture(tmp_path / "face.png", GREY)
    replay = open_media([still], paced=True, loop=True, pause_s=600)
    assert replay.video is not None
    seen: list[Frame] = []
    with replay.video as video:
        viewer = threading.Thread(target=lambda: seen.extend(video))
        viewer.start()
        eventually(lambda: len(seen) == 1)
        video.close()
        viewer.join(5)
    assert not viewer.is_alive()


# Pictures


def test_a_folder_of_pictures_is_shown_in_the_order_that_people_count(tmp_path: Path) -> None:
    for number in (10, 9, 1, 100):
        picture(tmp_path / f"frame{number}.png", np.full((8, 8), number, dtype=np.uint8))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    (tmp_path / "._frame1.png").write_bytes(b"x")
    shown = frames(open_media([tmp_path], pictures_rate_hz=4))
    assert [int(frame.grey[0, 0]) for frame in shown] == [1, 9, 10, 100]
    assert [frame.captured_ns for frame in shown] == [0, 250_000_000, 500_000_000, 750_000_000]


COLOURED = np.dstack([GREY, GREY, GREY])


@pytest.mark.parametrize(
    ("name", "pixels"),
    [
        ("grey.png", GREY),
        ("sixteen_bit.png", GREY.astype(np.uint16) * 257),
        ("sixteen_bit.tif", GREY.astype(np.uint16) * 257),
        ("colour.bmp", COLOURED),
        ("sixteen_bit_colour.png", COLOURED.astype(np.uint16) * 257),
        ("rgba.png", np.dstack([COLOURED, np.full_like(GREY, 255)])),
        ("transparent.png", np.dstack([COLOURED, np.full_like(GREY, 7)])),
        ("LOUD.PNG", GREY),
    ],
)
def test_a_picture_of_any_depth_and_layout_is_the_same_grey(tmp_path: Path, name: str, pixels: NDArray[Any]) -> None:
    (shown,) = frames(open_media([picture(tmp_path / name, pixels)]))
    assert np.abs(shown.grey.astype(int) - GREY).max() <= 1


def test_a_palette_picture_is_looked_up(tmp_path: Path) -> None:
    source, palette = picture(tmp_path / "grey.png", GREY), tmp_path / "palette.png"
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make a palette with: apt install ffmpeg")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(source), "-pix_fmt", "pal8", str(palette)], check=True, timeout=120
    )
    assert palette.read_bytes()[25] == 3  # PNG's colour type: indexed
    (shown,) = frames(open_media([palette]))
    assert shown.grey.shape == GREY.shape
    assert np.corrcoef(shown.grey.ravel(), GREY.ravel())[0, 1] > 0.98


@pytest.mark.parametrize("size", [(1, 1), (4320, 7680)], ids=["1x1", "8K"])
def test_the_smallest_and_the_largest_picture_are_pictures(tmp_path: Path, size: tuple[int, int]) -> None:
    (shown,) = frames(open_media([picture(tmp_path / "face.jpg", np.full(size, 128, dtype=np.uint8))]))
    assert shown.grey.shape == size


def exif_turned(path: Path, pixels: NDArray[np.uint8], orientation: int) -> Path:
    """A JPEG with the EXIF note that it is to be turned."""
    jpeg = cv2.imencode(".jpg", pixels)[1].tobytes()
    entry = bytes([0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0])
    tiff = b"MM\x00\x2a\x00\x00\x00\x08" + b"\x00\x01" + entry + b"\x00\x00\x00\x00"
    body = b"Exif\x00\x00" + tiff
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + jpeg[2:])
    return path


def test_a_photo_from_a_telephone_held_upright_is_turned(tmp_path: Path) -> None:
    (shown,) = frames(open_media([exif_turned(tmp_path / "photo.jpg", GREY, orientation=6)]))
    assert shown.grey.shape == (64, 48)
    assert np.abs(shown.grey.astype(int) - np.rot90(GREY, -1)).max() < 8


# Sounds


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


# What cannot be played


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


# Real performances


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
