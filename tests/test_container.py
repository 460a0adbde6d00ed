"""Media of any container, by whichever PyAV is there: Debian 12 has 10, a lock of today 19."""

import io
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from media_twins import sound_errors, spoil_one_head, spoilt, write_sound
from perception import Samples, spoken

from device.capture.container import contents, decoded, lenient, sound_blocks
from device.errors import MediaError


def titled(title: bytes) -> bytes:
    """A second of silence in a WAV with a title (RIFF's INFO list)."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setparams((1, 2, 16_000, 16_000, "NONE", ""))
        sound.writeframes(bytes(32_000))
    entry = b"INFOINAM" + len(title).to_bytes(4, "little") + title
    whole = file.getvalue() + b"LIST" + len(entry).to_bytes(4, "little") + entry
    return whole[:4] + (len(whole) - 8).to_bytes(4, "little") + whole[8:]


@pytest.mark.parametrize("title", ["Zoë!".encode("latin-1"), b"\xff\xfe\xfd\xfc"], ids=["latin 1", "none"])
def test_a_title_in_an_unknown_encoding_does_not_keep_a_recording_from_being_read(tmp_path: Path, title: bytes) -> None:
    path = tmp_path / "voice.wav"
    path.write_bytes(titled(title))
    assert contents(path).has_sound
    assert sum(len(block.samples) for block in sound_blocks(path, 100)) == 16_000


@pytest.mark.parametrize(("version", "asked"), [("10.0.0", True), ("18.1.0", True), ("19.0.2", False), ("20.1", False)])
def test_an_old_pyav_must_be_asked_to_be_lenient_and_a_new_one_cannot_be(version: str, asked: bool) -> None:
    assert ("metadata_errors" in lenient(version)) is asked


def encoded(path: Path, codec: str, rate_hz: int = 44_100) -> Path:
    """Two seconds of a voice by this codec."""
    write_sound(path, codec, spoken(2.0 * rate_hz / 16_000), rate_hz)  # as many samples
    return path


def heard(path: Path) -> Samples:
    return np.concatenate([block.samples for block in sound_blocks(path, 100)])


@pytest.mark.slow
def test_whatever_a_decoder_states_of_a_spoilt_packet_it_is_a_hole_and_not_the_end(tmp_path: Path) -> None:
    sound, damaged = encoded(tmp_path / "voice.m4a", "aac"), tmp_path / "damaged.m4a"
    samples, met = len(heard(sound)), set()
    for data in spoilt(sound):
        damaged.write_bytes(data)
        met |= sound_errors(damaged)
        assert len(heard(damaged)) == pytest.approx(samples, abs=3 * 1_024)
        if {"InvalidDataError", "PermissionError"} <= met:
            return
    pytest.fail(f"400 spoilt packets made the decoder say {met} alone")


def test_a_frame_whose_head_names_another_rate_is_a_hole(tmp_path: Path) -> None:
    sound = encoded(tmp_path / "voice.mp3", "libmp3lame")
    samples = len(heard(sound))
    spoil_one_head(sound)
    rates = {frame.sample_rate for frame in frames_of(sound)}
    assert rates == {44_100, 48_000}
    assert len(heard(sound)) == pytest.approx(samples, abs=4 * 1_152)


def frames_of(path: Path) -> Iterator[av.AudioFrame]:
    with av.open(str(path)) as file:
        for packet in file.demux(audio=0):
            yield from decoded(packet)


def test_a_sound_that_goes_on_at_another_rate_is_refused(tmp_path: Path) -> None:
    both = [encoded(tmp_path / f"{rate_hz}.mp3", "libmp3lame", rate_hz) for rate_hz in (44_100, 32_000)]
    (tmp_path / "both.mp3").write_bytes(b"".join(path.read_bytes() for path in both))
    with pytest.raises(MediaError, match="sample rate changes on the way"):
        heard(tmp_path / "both.mp3")


@pytest.mark.parametrize("name", ["12:30:00.wav", "http:a.wav", "file:a.wav", "a%20b:c.wav"])
def test_a_colon_in_a_relative_name_makes_it_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(titled(b"a"))
    assert contents(Path(name)).has_sound
    assert len(heard(Path(name))) == 16_000


def test_a_sound_of_an_unknown_codec_is_refused_in_words(tmp_path: Path) -> None:
    data = bytearray(titled(b"a"))
    data[20:22] = b"\xee\xee"  # the format's number, which nothing has
    (tmp_path / "voice.wav").write_bytes(data)
    with pytest.raises(MediaError, match="holds no picture and no sound"):
        contents(tmp_path / "voice.wav")
