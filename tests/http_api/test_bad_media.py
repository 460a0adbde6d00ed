"""Pictures and sounds that are damaged, hostile or of no known kind."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx
import numpy as np
import pytest
from damage import damaged, sources
from http_answers import answered, problem
from media_twins import in_a_large_picture, save_turned
from perception import astronaut, spoken
from server_process import encoded, jpeg, speech_wav, wav

from device.signals import SAMPLE_RATE_HZ

pytestmark = pytest.mark.slow


def png_bomb(side_px: int) -> bytes:
    """A picture of side² pixels in a few kilobytes."""
    rows = zlib.compress(bytes(1) * ((side_px + 1) * 64))
    head = struct.pack(">IIBBBBB", side_px, side_px, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    packed = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def long_flac() -> bytes:
    """Two hours of silence in some hundred kilobytes."""
    return wav(np.zeros(7200 * SAMPLE_RATE_HZ, dtype=np.int16), kind="FLAC")


def nan_wav() -> bytes:
    sound = spoken(1.0) / 32768
    sound[1000:1100] = math.nan
    return wav(sound, subtype="FLOAT")


Bad = Mapping[str, tuple[Callable[[], bytes], str]]

BAD_PICTURES: Bad = {
    "empty": (lambda: b"", "empty-media"),
    "text called .jpg": (lambda: b"I am no picture.\n" * 100, "unsupported-media"),
    "a sound": (speech_wav, "unsupported-media"),
    "truncated head": (lambda: jpeg()[:100], "unsupported-media"),
    "truncated png": (lambda: encoded(".png", astronaut())[:60], "unreadable-picture"),
    "100 megapixels": (lambda: png_bomb(10_000), "too-many-pixels"),
    "4 gigapixels": (lambda: png_bomb(65_000), "too-many-pixels"),
    "a tiff": (lambda: encoded(".tiff", astronaut()), "unsupported-media"),
    "a gif": (lambda: b"GIF89a" + bytes(100), "unsupported-media"),
    "a heic": (lambda: b"\0\0\0\x18ftypheic" + bytes(100), "unsupported-media"),
    "too many bytes": (lambda: bytes(9 * 2**20), "too-large"),
}

BAD_SOUNDS: Bad = {
    "empty": (lambda: b"", "empty-media"),
    "text called .wav": (lambda: b"I am no sound.\n" * 100, "unsupported-media"),
    "a picture": (jpeg, "unsupported-media"),
    "a webp": (lambda: encoded(".webp", astronaut()), "unsupported-media"),
    "an avi": (lambda: b"RIFF\x64\0\0\0AVI LIST" + bytes(100), "unsupported-media"),
    "a heic": (lambda: b"\0\0\0\x18ftypheic" + bytes(100), "unsupported-media"),
    "truncated head": (lambda: speech_wav()[:20], "unreadable-recording"),
    "truncated flac": (lambda: wav(spoken(2.0), kind="FLAC")[:50], "unreadable-recording"),
    "two hours": (long_flac, "too-long"),
    "NaN samples": (nan_wav, "unreadable-recording"),
    "a playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "unsupported-media"),
    "a concat list": (lambda: b"ffconcat version 1.0\nfile /etc/passwd\n", "unsupported-media"),
    "too many bytes": (lambda: bytes(9 * 2**20), "too-large"),
}


@pytest.mark.parametrize("name", BAD_PICTURES)
def test_a_bad_picture_gets_its_problem_code(client: httpx.Client, name: str) -> None:
    make, code = BAD_PICTURES[name]
    sent = make()
    assert problem(client.post("/v1/face", files={"picture": ("a.jpg", sent, "image/jpeg")}))["code"] == code
    assert problem(client.post("/v1/face", content=sent, headers={"content-type": "image/jpeg"}))["code"] == code
    both = {"picture": ("a.jpg", sent), "audio": ("a.wav", speech_wav())}
    assert problem(client.post("/v1/fused", files=both))["code"] == code


@pytest.mark.parametrize("name", BAD_SOUNDS)
def test_a_bad_sound_gets_its_problem_code(client: httpx.Client, name: str) -> None:
    make, code = BAD_SOUNDS[name]
    sent = make()
    assert problem(client.post("/v1/speech", files={"audio": ("a.wav", sent, "audio/wav")}))["code"] == code
    both = {"picture": ("a.jpg", jpeg()), "audio": ("a.wav", sent)}
    assert problem(client.post("/v1/fused", files=both))["code"] == code
    assert problem(client.post("/v1/fused", files={"video": ("a.mp4", sent)}))["code"] == code


@pytest.mark.parametrize(
    ("head", "words"),
    [(b"GIF89a", "a GIF picture"), (b"II*\0", "a TIFF picture"), (b"\0\0\0\x18ftypavif", "a HEIC or AVIF picture")],
)
def test_an_unsupported_picture_type_is_named_with_a_remedy(client: httpx.Client, head: bytes, words: str) -> None:
    detail = problem(client.post("/v1/face", content=head + bytes(100)))["detail"]
    assert words in detail
    assert "JPEG, PNG and WebP are read here: export it as" in detail


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_turned_as_its_exif_says(client: httpx.Client, tmp_path: Path, kind: str) -> None:
    save_turned(tmp_path / "face", astronaut(), kind, 3)
    answer = answered(client.post("/v1/face", content=(tmp_path / "face").read_bytes()))
    assert answer.estimate.label == "happy"
    assert answer.faces[0].box.top_px < 180, "in the upper half"


def test_a_small_face_is_found_in_a_large_picture(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/face", files={"picture": jpeg(in_a_large_picture(80, 1920, 1080))}))
    assert [face.label for face in answer.faces] == ["happy"]
    assert answer.faces[0].box.width_px == pytest.approx(80, rel=0.2)


def test_a_damaged_file_is_answered_or_refused_and_never_a_failure_of_the_server(
    client: httpx.Client, tmp_path: Path
) -> None:
    codes = set()
    for file in damaged(sources(tmp_path / "whole"), tmp_path / "damaged", 120, seed=3):
        for path in ("/v1/face", "/v1/fused?mode=face", "/v1/speech"):
            field = {"/v1/face": "picture", "/v1/speech": "audio"}.get(path, "video")
            response = client.post(path, files={field: file.read_bytes()})
            codes.add("" if response.status_code == 200 else problem(response)["code"])
    assert {"", "unsupported-media", "unreadable-picture", "unreadable-recording"} <= codes


@pytest.mark.parametrize("name", ["media_1_AttributeError", "media_2_IndexError", "wav_runtime_60.wav"])
def test_known_crashing_files_are_answered_or_refused(client: httpx.Client, shared_cases: Path, name: str) -> None:
    sent = (shared_cases / "hostile" / name).read_bytes()
    for path, field in (("/v1/speech", "audio"), ("/v1/fused", "video")):
        response = client.post(path, files={field: sent})
        assert response.status_code == 200 or problem(response)["code"].startswith("un")


def test_a_truncated_jpeg_is_read_as_far_as_it_goes(client: httpx.Client) -> None:
    whole = jpeg()
    assert answered(client.post("/v1/face", content=whole[: len(whole) * 9 // 10])).estimate.label == "happy"
