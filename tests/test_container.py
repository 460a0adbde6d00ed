"""Media of any container, by whichever PyAV is there: Debian 12 has 10, a lock of today 19."""

import io
import wave
from pathlib import Path

import pytest

from device.capture.container import contents, lenient, sound_blocks


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
