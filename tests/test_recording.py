"""Uploaded recordings as sources: what a WAV read here gives is what a replay of the file gives."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from media_twins import write_sound
from perception import hiss, spoken
from server_process import HAPPY_CLIP, wav

from desktop_server.analysis.decoding.media import MediaLimits, memory_file
from desktop_server.analysis.decoding.recording import open_recording, wave_blocks
from desktop_server.schema.problems import RequestError
from device.capture.replay import open_media
from device.signals import AudioBlock

pytestmark = pytest.mark.slow

LIMITS = MediaLimits(pixels=10**6, seconds=60.0)


@pytest.mark.parametrize(("rate_hz", "channels"), [(16_000, 1), (16_000, 2), (44_100, 2), (8_000, 1)])
def test_a_wav_gives_the_same_blocks_as_its_replay(tmp_path: Path, rate_hz: int, channels: int) -> None:
    path = tmp_path / "a.wav"
    sound = np.stack([spoken(2.03), hiss(2.03, dbfs=-30)][:channels], axis=1)
    soundfile.write(path, sound, rate_hz, subtype="PCM_16")
    ours = wave_blocks(path.read_bytes(), LIMITS)
    replay = open_media([path]).audio
    assert ours is not None
    assert replay is not None
    with replay:
        theirs: list[AudioBlock] = list(replay)
    assert [b.captured_ns for b in ours] == [b.captured_ns for b in theirs]
    assert [b.first_sample for b in ours] == [b.first_sample for b in theirs]
    assert all(np.array_equal(a.samples, b.samples) for a, b in zip(ours, theirs, strict=True))


def test_channels_that_cancel_each_other_are_heard_in_a_wav_as_in_its_replay(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, np.stack([spoken(2.03), -spoken(2.03)], axis=1), 44_100, subtype="PCM_16")
    replay = open_media([path]).audio
    assert replay is not None
    with replay:
        theirs = [block.samples for block in replay]
    ours = [block.samples for block in wave_blocks(path.read_bytes(), LIMITS) or []]
    assert np.array_equal(np.concatenate(ours), np.concatenate(theirs))
    assert np.abs(np.concatenate(ours)).max() > 1_000


@pytest.mark.parametrize("version", [b"\xe3", b"\xe2", b"\xfa"])
def test_every_kind_of_mp3_is_taken_for_a_recording(version: bytes) -> None:
    with (
        pytest.raises(RequestError, match="damaged"),
        open_recording(b"\xff" + version + bytes(200), LIMITS, rate_hz=1),
    ):
        pass


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 44_100])
def test_an_mp3_of_any_rate_is_read(tmp_path: Path, rate_hz: int) -> None:
    path = tmp_path / "a.mp3"
    write_sound(path, "libmp3lame", spoken(2.0), rate_hz)
    plain = path.read_bytes()
    data = plain[plain.index(b"\xff", 1) :] if plain.startswith(b"ID3") else plain
    with open_recording(data, LIMITS, rate_hz=10.0) as tracks:
        assert tracks.audio is not None
        with tracks.audio as source:
            assert sum(len(block.samples) for block in source) == pytest.approx(32_000 * 16_000 / rate_hz, rel=0.1)


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT", "PCM_U8"])
def test_any_other_wav_is_left_to_the_readers_of_all_kinds(subtype: str) -> None:
    assert wave_blocks(wav(spoken(1.0) / 32768, subtype=subtype), LIMITS) is None


def test_a_wav_whose_head_lies_about_its_length_is_read_as_far_as_it_goes() -> None:
    data = bytearray(wav(spoken(1.0)))
    data[40:44] = (2**31).to_bytes(4, "little")
    assert wave_blocks(bytes(data), LIMITS) is None
    with open_recording(bytes(data), LIMITS, rate_hz=10.0) as tracks:
        assert tracks.audio is not None
        with tracks.audio as source:
            assert sum(len(block.samples) for block in source) == 16_000


def h264(width: int, height: int, pictures: int) -> list[bytes]:
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.time_base = width, height, "yuv420p", Fraction(1, 10)
    context.options = {"preset": "ultrafast", "x264-params": "annexb=1:repeat-headers=1", "g": "1"}
    black = [av.VideoFrame(width, height, "yuv420p") for _ in range(pictures)]
    for number, frame in enumerate(black):
        frame.pts = number
    return [bytes(packet) for frame in [*black, None] for packet in context.encode(frame)]


def film_of(pictures: list[bytes], kind: str, path: Path) -> bytes:
    with av.open(str(path), "w", format=kind) as film:
        stream = film.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number, data in enumerate(pictures):
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, number, number, True
            packet.time_base = Fraction(1, 10)
            film.mux(packet)
    return path.read_bytes()


@pytest.mark.parametrize("kind", ["matroska", "mp4", "flv"])
def test_no_picture_of_a_film_that_grows_on_the_way_is_larger_than_it_may_be(kind: str, tmp_path: Path) -> None:
    data = film_of(h264(320, 240, 5) + h264(1280, 960, 3), kind, tmp_path / "film")
    shapes = []
    # Of an MP4 OpenCV makes all pictures as large as its head says.
    with suppress(RequestError), open_recording(data, LIMITS, rate_hz=10.0) as tracks:
        assert tracks.video is not None
        with tracks.video as film:
            shapes += [frame.grey.shape for frame in film]
    assert set(shapes) <= {(240, 320)}


def test_a_film_has_two_tracks_and_can_be_played_twice() -> None:
    with open_recording(HAPPY_CLIP.read_bytes(), LIMITS, rate_hz=10.0) as tracks:
        for track in (tracks.video, tracks.audio):
            assert track is not None
            lengths = []
            for _ in range(2):
                with track as source:
                    lengths.append(len(list(source)))
            assert lengths[0] == lengths[1] > 10


def test_a_film_with_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    small = MediaLimits(pixels=1000, seconds=60.0)
    with pytest.raises(RequestError) as caught, open_recording(HAPPY_CLIP.read_bytes(), small, rate_hz=10.0):
        pass
    assert caught.value.code == "too-many-pixels"


def test_a_file_in_memory_is_gone_when_it_is_closed() -> None:
    with memory_file(b"something") as path:
        assert path.read_bytes() == b"something"
    assert not path.exists()


@pytest.mark.parametrize("mark", [b"ID3\n", b"RIFF\n", b"FLV\n"])
@pytest.mark.parametrize("playlist", [b"ffconcat version 1.0\nfile %s\n", b"#EXTM3U\n#EXTINF:1,\n%s\n"])
def test_a_playlist_in_disguise_opens_no_file_of_the_servers(mark: bytes, playlist: bytes) -> None:
    data = mark + playlist % str(HAPPY_CLIP).encode()
    with (
        pytest.raises(RequestError, match="this is no WAV" if mark == b"RIFF\n" else "not a picture, film"),
        open_recording(data, LIMITS, rate_hz=10.0),
    ):
        pass
