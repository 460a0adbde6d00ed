import shutil
import subprocess
import threading
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fakes import eventually
from media_files import GREY, blocks, frames, picture, tone

from device.capture.films import next_time_ns
from device.capture.replay import open_media
from device.capture.scene import open_clip
from device.signals import Frame

pytestmark = pytest.mark.slow

FILM_RATE_HZ = 25


def film(path: Path, *, seconds: float = 1.0, sound: bool = True, options: tuple[str, ...] = ()) -> Path:
    """A test picture that moves, with a tone."""
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg to make films with: apt install ffmpeg")
    inputs = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate={FILM_RATE_HZ}:duration={seconds}"]
    if sound:
        inputs += ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=44100:duration={seconds}"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *options, str(path)], check=True, timeout=60)
    return path


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
