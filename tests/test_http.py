"""The HTTP API as its users meet it: a real server on loopback."""

from __future__ import annotations

import csv
import io
import math
import re
import socket
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import httpx
import numpy as np
import pytest
from damage import damaged, sources
from fakes import eventually
from media_twins import GROUP, SOUND_HZ, group_picture, in_a_large_picture, save_turned, write_film
from perception import astronaut, hiss, pause, spoken
from server_process import HAPPY_CLIP, Running, encoded, jpeg, serving, speech_wav, wav

from desktop_server.schema.analysis import AnalysisResponse
from desktop_server.schema.problems import PROBLEM_TYPES
from device.features.face import face_crop
from device.readings import EMOTIONS, RULE_NAMES
from device.signals import SAMPLE_RATE_HZ

pytestmark = pytest.mark.slow

FORM = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\nx\r\n--b--\r\n'
BINARY_TENSORS = {"Inference-Header-Content-Length": "12"}
PAGE = Path(__file__).resolve().parents[1] / "docs" / "api.md"
LIMITS = {"body_mib": 8.0, "picture_mpx": 4.0, "media_s": 60.0}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, limits=LIMITS, server={"rate_hz": 1e6, "burst": 4096, "body_s": 2.0, "idle_s": 1.0}) as it:
        yield it


@pytest.fixture(scope="module")
def client(server: Running) -> Iterator[httpx.Client]:
    with server.client() as it:
        yield it


def answered(response: httpx.Response) -> AnalysisResponse:
    assert response.status_code == 200, response.text
    assert response.headers["cache-control"] == "no-store"
    return AnalysisResponse.model_validate_json(response.content)


def problem(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/problem+json", response.text
    said: dict[str, Any] = response.json()
    assert (said["status"], said["type"]) == (response.status_code, f"/problems/{said['code']}")
    assert PROBLEM_TYPES[said["code"]].status == response.status_code
    assert 400 <= response.status_code < 500, said
    assert "/proc/" not in response.text
    return said


def test_a_face_is_found_and_read(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/face", files={"picture": jpeg()}))
    assert answer.estimate.label == "happy"
    assert [face.is_used for face in answer.faces] == [True]
    assert (answer.mode, answer.modalities_used) == ("face", ["face"])
    assert "onnxruntime" in answer.models.runtime
    assert "ExecutionProvider" in answer.models.runtime
    assert answer.models.precision == "float32"
    assert answer.int8 is None


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_a_picture_may_be_the_body_itself(client: httpx.Client, suffix: str) -> None:
    sent = encoded(suffix, astronaut())
    assert answered(client.post("/v1/face", content=sent)).estimate.label == "happy"


def test_int8_answers_beside_float_and_agrees(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/face?compare=true", files={"picture": jpeg()}))
    assert answer.int8 is not None
    assert answer.int8.models.precision == "int8"
    assert answer.int8.estimate.label == answer.estimate.label
    assert answer.int8.estimate.confidence == pytest.approx(answer.estimate.confidence, abs=0.05)


def test_of_two_faces_both_are_listed_and_the_larger_is_used(client: httpx.Client) -> None:
    near = astronaut()[20:220, 80:280]
    far = cv2.resize(near, (150, 150), interpolation=cv2.INTER_AREA)
    two = np.full((200, 350), 127, dtype=np.uint8)
    two[:, :200], two[:150, 200:] = near, far
    answer = answered(client.post("/v1/face", files={"picture": encoded(".png", two)}))
    assert [face.is_used for face in answer.faces] == [True, False]
    assert answer.faces[0].box.width_px > answer.faces[1].box.width_px
    assert answer.estimate.probs == answer.faces[0].probs


def test_small_faces_beside_a_large_one_are_found(client: httpx.Client) -> None:
    picture = encoded(".png", group_picture())
    faces = client.post("/v1/face", content=picture).json()["faces"]
    assert len(faces) == GROUP
    assert [face["is_used"] for face in faces] == [True] + [False] * (GROUP - 1)
    (largest,) = client.post("/v1/face?faces=largest", content=picture).json()["faces"]
    assert largest == faces[0]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_turn_rotates_pictures_and_films(client: httpx.Client, degrees: int) -> None:
    lying = encoded(".png", np.rot90(astronaut(), degrees // 90))  # counter-clockwise
    upright = answered(client.post("/v1/face", content=encoded(".png", astronaut())))
    assert answered(client.post("/v1/face", content=lying)).faces != upright.faces
    turned = answered(client.post(f"/v1/face?turn={degrees}", content=lying))
    assert (turned.faces, turned.estimate) == (upright.faces, upright.estimate)
    said = problem(client.post("/v1/face?turn=45", content=lying))
    assert said["code"] == "invalid-parameter"


def test_turn_180_reads_a_film_that_is_upside_down(client: httpx.Client, tmp_path: Path) -> None:
    on_its_head = cv2.cvtColor(np.rot90(astronaut(), 2).copy(), cv2.COLOR_GRAY2BGR)
    write_film(tmp_path / "head.mp4", [on_its_head] * 15, np.zeros(SOUND_HZ // 2, dtype=np.int16))
    files = {"video": (tmp_path / "head.mp4").read_bytes()}
    assert answered(client.post("/v1/fused?mode=face", files=files)).estimate.label != "happy"
    assert answered(client.post("/v1/fused?mode=face&turn=180", files=files)).estimate.label == "happy"


def test_crop_reads_the_whole_picture_as_a_face(client: httpx.Client) -> None:
    """A crop as of FER2013: the detector needs more around a face than that."""
    crop = face_crop(astronaut(), right_eye=(162, 100), left_eye=(206, 103), mouth=(184, 150))
    assert crop is not None
    picture = encoded(".png", np.rint(crop.pixels[:, :, 0] * 255).astype(np.uint8))
    answer = client.post("/v1/face?crop=true", content=picture).json()
    assert answer["faces"][0]["box"] == {"left_px": 0, "top_px": 0, "width_px": 48, "height_px": 48}
    assert answer["estimate"]["label"] == "happy"
    whole = client.post("/v1/face", content=jpeg()).json()
    assert answer["estimate"]["probs"]["happy"] == pytest.approx(whole["estimate"]["probs"]["happy"], abs=0.1)
    larger = cv2.resize(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE), (130, 96))
    assert client.post("/v1/face?crop=true", content=encoded(".png", larger)).json()["faces"][0]["box"] == {
        "left_px": 17, "top_px": 0, "width_px": 96, "height_px": 96,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "field", "sent"),
    [
        ("/v1/face", "picture", lambda: jpeg(np.full((480, 640), 127, dtype=np.uint8))),
        ("/v1/face", "picture", lambda: encoded(".png", np.zeros((1, 1), dtype=np.uint8))),
        ("/v1/face", "picture", lambda: jpeg(np.random.default_rng(1).integers(0, 255, (480, 640)).astype(np.uint8))),
        ("/v1/speech", "audio", lambda: wav(pause(3.0))),
        ("/v1/speech", "audio", lambda: wav(hiss(3.0, dbfs=-20.0))),
    ],
    ids=["grey", "one pixel", "noise", "silence", "hiss"],
)
def test_without_face_and_voice_the_label_is_nobody(
    client: httpx.Client, path: str, field: str, sent: Callable[[], bytes]
) -> None:
    answer = answered(client.post(path, files={field: sent()}))
    assert (answer.estimate.label, answer.estimate.confidence, answer.estimate.probs) == ("nobody", 0.0, None)
    assert answer.modalities_used == []


@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3"])
def test_speech_has_a_timeline_and_an_estimate_of_the_whole(client: httpx.Client, kind: str) -> None:
    subtype = {"WAV": "PCM_16", "FLAC": "PCM_16", "OGG": "VORBIS", "MP3": "MPEG_LAYER_III"}[kind]
    sent = wav(np.concatenate([pause(0.3), spoken(2.0), pause(0.7)]) + hiss(3.0), kind=kind, subtype=subtype)
    answer = answered(client.post("/v1/speech", files={"audio": sent}))
    assert answer.modalities_used == ["speech"]
    assert answer.estimate.modalities.speech.weight == 1.0
    assert len(answer.timeline) >= 2


def test_a_film_is_read_by_face_and_voice_under_each_rule(client: httpx.Client) -> None:
    answers = {}
    for rule in RULE_NAMES:
        sent = client.post(f"/v1/fused?fusion={rule}", files={"video": HAPPY_CLIP.read_bytes()})
        answers[rule] = answered(sent)
        assert answers[rule].fusion == rule
        assert answers[rule].modalities_used == ["face", "speech"]
    weights = answers["max_confidence"].estimate.modalities
    assert {weights.face.weight, weights.speech.weight} == {0.0, 1.0}


def test_a_picture_and_a_sound_are_read_together(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/fused", files={"picture": jpeg(), "audio": speech_wav()}))
    assert answer.modalities_used == ["face", "speech"]
    assert all(moment.modalities.face.present for moment in answer.timeline)


@pytest.mark.parametrize(("mode", "used"), [("face", ["face"]), ("speech", ["speech"])])
def test_one_modality_of_a_film_may_be_asked_for(client: httpx.Client, mode: str, used: list[str]) -> None:
    answer = answered(client.post(f"/v1/fused?mode={mode}", files={"video": HAPPY_CLIP.read_bytes()}))
    assert (answer.mode, answer.modalities_used) == (mode, used)


def test_explain_adds_an_explanation(client: httpx.Client) -> None:
    sent = {"picture": jpeg(), "audio": speech_wav()}
    answer = answered(client.post("/v1/fused?explain=true", files=sent))
    why = answer.explanation
    assert why is not None
    assert why.face_map is not None
    assert why.speech_map is not None
    assert (len(why.face_map), len(why.speech_map)) == (48, 128)
    assert answer.estimate.probs is not None
    moved = getattr(answer.estimate.probs, why.label) - 1 / 7
    assert sum(why.contributions.values()) == pytest.approx(moved, abs=1e-3)


def test_without_face_and_voice_there_is_no_explanation(client: httpx.Client) -> None:
    grey = jpeg(np.full((480, 640), 127, dtype=np.uint8))
    assert answered(client.post("/v1/face?explain=true", content=grey)).explanation is None


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


@pytest.mark.parametrize(
    ("path", "options", "code"),
    [
        ("/v1/face", {"files": {"sound": b"x"}}, "unknown-field"),
        ("/v1/face", {"data": {"picture": "text"}}, "unsupported-media"),
        ("/v1/fused", {"content": b"x"}, "malformed-request"),
        ("/v1/fused", {"files": {"picture": jpeg()}}, "missing-media"),
        ("/v1/fused", {"files": {"video": b"x", "picture": b"x"}}, "malformed-request"),
        ("/v1/face?fusion=median", {"files": {"picture": jpeg()}}, "invalid-parameter"),
        ("/v1/face?mode=speech", {"files": {"picture": jpeg()}}, "invalid-parameter"),
        ("/v1/face?compare=perhaps", {"files": {"picture": jpeg()}}, "invalid-parameter"),
        ("/v1/face", {"content": b"x", "headers": {"content-type": "multipart/form-data"}}, "malformed-request"),
        (
            "/v1/face",
            {"content": b"--b\r\nx\r\n\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            "malformed-request",
        ),
        (
            "/v1/face",
            {"content": b"--b\r\n", "headers": {"content-type": "multipart/form-data; boundary=b"}},
            "missing-media",
        ),
        (
            "/v1/face",
            {"content": FORM, "headers": {"content-type": "multipart/form-data; boundary=b; charset=undefined"}},
            "malformed-request",
        ),
        ("/v1/nothing", {"content": b"x"}, "not-found"),
        ("/healthz", {}, "method-not-allowed"),
    ],
)
def test_a_bad_request_gets_its_problem_code(client: httpx.Client, path: str, options: Any, code: str) -> None:
    assert problem(client.post(path, **options))["code"] == code


@pytest.mark.parametrize(
    ("method", "path", "options", "code", "words"),
    [
        (
            "POST",
            "/v1/face?fuson=average",
            {},
            "unknown-parameter",
            "no query parameter 'fuson'; did you mean 'fusion'?",
        ),
        ("POST", "/v1/speech?crop=true", {}, "unknown-parameter", "known are mode, fusion, compare, explain"),
        ("GET", "/v1/server?verbose=1", {}, "unknown-parameter", "this address takes none"),
        ("GET", "/metrics?x=", {}, "unknown-parameter", "'x'"),
        ("GET", "/v2/models/affectd-1-face?version=1", {}, "unknown-parameter", "'version'"),
        ("POST", "/v1/face?mode=face&mode=face", {}, "malformed-request", "'mode' is there 2 times"),
        ("POST", "/v1/face", {"headers": {"X-Fusion": "average"}}, "unknown-header", "in the query: ?fusion=average"),
        ("POST", "/v1/face", {"headers": {"compare": "true"}}, "unknown-header", "?compare=true"),
        ("POST", "/v1/face", {"headers": {"Content-Encoding": "gzip"}}, "unknown-header", "without compression"),
        ("POST", "/v2/models/affectd-1-face/infer", {"headers": BINARY_TENSORS}, "unknown-header", "read as JSON"),
        (
            "POST",
            "/v1/face",
            {"files": {"fusion": (None, "average")}},
            "unknown-field",
            "in the query: ?fusion=average",
        ),
        ("POST", "/v1/face", {"files": {"mode": b"face"}}, "unknown-field", "in the query: ?mode=…"),
        ("POST", "/v1/face", {"json": {"picture": "aGFsbG8="}}, "unsupported-media", "comes as application/json"),
        ("POST", "/v1/face", {"data": {"picture": "face.jpg"}}, "unsupported-media", "as the field 'picture'"),
    ],
)
def test_unknown_parameters_headers_and_fields_are_refused_with_a_hint(
    client: httpx.Client, method: str, path: str, options: Any, code: str, words: str
) -> None:
    said = problem(client.request(method, path, **options))
    assert said["code"] == code
    assert words in said["detail"]


def test_a_file_with_the_content_type_of_curl_data_binary_is_read(client: httpx.Client) -> None:
    """As `curl --data-binary @face.jpg` sends it."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    assert answered(client.post("/v1/face", content=jpeg(), headers=kind)).estimate.label == "happy"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v1/face", "POST"),
        ("GET", "/v1/fused", "POST"),
        ("GET", "/v2/models/affectd-1-face/infer", "POST"),
        ("POST", "/v1/server", "GET, HEAD"),
        ("DELETE", "/healthz", "GET, HEAD"),
        ("POST", "/", "GET, HEAD"),
        ("POST", "/main.js", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_with_allow(client: httpx.Client, method: str, path: str, allowed: str) -> None:
    response = client.request(method, path)
    assert problem(response)["code"] == "method-not-allowed"
    assert response.headers["allow"] == allowed
    assert allowed in response.json()["detail"]


def test_the_stream_without_an_upgrade_is_426(client: httpx.Client) -> None:
    response = client.get("/v1/stream")
    assert problem(response)["code"] == "upgrade-required"
    assert response.headers["upgrade"] == "websocket"


def test_a_file_field_that_comes_twice_is_refused(client: httpx.Client) -> None:
    twice = [("picture", jpeg()), ("picture", jpeg())]
    assert problem(client.post("/v1/face", files=twice))["code"] == "malformed-request"


def raw(server: Running) -> socket.socket:
    parts = urlsplit(server.url)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20)


def head(length: int) -> bytes:
    return f"POST /v1/face HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n".encode()


def test_a_body_that_stalls_is_408(server: Running) -> None:
    with raw(server) as connection:
        connection.sendall(head(1000) + b"a few bytes, and then nothing")
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize(
    ("first_bytes", "bytes_a_piece", "pieces", "status"),
    [(60_000, 60_000, 12, b"413"), (10, 10, 12, b"408"), (1_000_000, 10, 24, b"408")],
)
def test_a_slow_body_that_keeps_moving_is_accepted(
    server: Running, first_bytes: int, bytes_a_piece: int, pieces: int, status: bytes
) -> None:
    """Longer than a pause may be; it turns out to be too large at its end, but for one that comes in drops."""
    with raw(server) as connection:
        connection.sendall(b"POST /v1/face HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        connection.settimeout(0.3)
        said = b""
        for size in [first_bytes, *[bytes_a_piece] * (pieces - 1)]:
            connection.sendall(b"%x\r\n%s\r\n" % (size, bytes(size)))
            with suppress(TimeoutError):  # the server says nothing yet
                said = connection.recv(100)
                break
        connection.settimeout(20)
        if not said:
            connection.sendall(b"%x\r\n%s\r\n" % (9 * 2**20, bytes(9 * 2**20)))
            said = connection.recv(100)
        assert said.startswith(b"HTTP/1.1 " + status)


def test_a_connection_without_a_complete_head_is_closed(server: Running) -> None:
    with raw(server) as silent, raw(server) as slow:
        slow.sendall(b"POST /v1/face HTTP/1.1\r\nHost: lo")
        assert (silent.recv(100), slow.recv(100)) == (b"", b"")


def test_a_head_beyond_64_kib_is_413_or_closed(server: Running) -> None:
    with raw(server) as connection:
        try:
            for _ in range(10_000):
                connection.sendall(b"GET / HTTP/1.1\r\n" if _ == 0 else b"X-More: " + bytes([97]) * 100 + b"\r\n")
            assert connection.recv(100)[:12] in (b"", b"HTTP/1.1 413")
        except (BrokenPipeError, ConnectionResetError):
            pass


def test_concurrent_bodies_share_a_memory_budget(tmp_path: Path) -> None:
    small = {"body_mib": 1.0, "bodies_mib": 1.5}
    with serving(tmp_path, limits=small, server={"rate_hz": 1e6}) as server, server.client() as client:
        with ExitStack() as held:

            def is_full() -> bool:
                """Another body is on its way, all but its last byte; of two that come at once either may be refused."""
                held.enter_context(raw(server)).sendall(head(2**20) + bytes(2**20 - 1))
                return client.post("/v1/face", content=bytes(2**20 - 1)).status_code == 503

            eventually(is_full)
            refused = client.post("/v1/face", content=bytes(2**20 - 1))
            assert (refused.status_code, refused.json()["code"]) == (503, "busy")
            assert int(refused.headers["retry-after"]) >= 1
            assert answered(client.post("/v1/face", content=jpeg())).estimate.label == "happy"
        eventually(lambda: client.post("/v1/face", content=bytes(2**20 - 1)).status_code == 415)


def test_a_lost_connection_causes_no_error(server: Running, client: httpx.Client) -> None:
    with raw(server) as half:
        half.sendall(head(len(jpeg())) + jpeg()[:1000])
    with raw(server) as impatient:
        impatient.sendall(head(len(jpeg())) + jpeg())
    assert answered(client.post("/v1/face", content=jpeg())).estimate.label == "happy"
    assert "Traceback" not in server.log.read_text()


def test_every_problem_code_is_explained_at_its_address(client: httpx.Client) -> None:
    for code, kind in PROBLEM_TYPES.items():
        meaning = client.get(f"/problems/{code}").json()
        assert (meaning["status"], meaning["title"]) == (kind.status, kind.title)
    assert problem(client.get("/problems/nothing"))["code"] == "not-found"
    assert problem(client.get("/nothing"))["code"] == "not-found"


def test_health_checks_run_no_net(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_metrics_count_what_was_answered_and_refused(client: httpx.Client) -> None:
    answered(client.post("/v1/face", content=jpeg()))
    problem(client.post("/v1/face", content=b""))
    text = client.get("/metrics").text
    for line in (
        'affectd_http_requests_total{method="POST",route="/v1/face",status="200"}',
        'affectd_estimates_total{label="happy",modality="face"}',
        'affectd_refused_total{reason="empty-media"}',
        'affectd_inference_duration_seconds_count{model="affectd-1-face-float32",stage="net"}',
        "affectd_build_info{",
        "process_resident_memory_bytes",
    ):
        assert line in text
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE affectd_")}
    assert not [name for name in names if name.endswith(("_percent", "_ms", "_milliseconds"))]


def test_every_answer_of_the_server_keeps_browsers_to_this_site(client: httpx.Client) -> None:
    for path in ("/", "/healthz", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert "unsafe" not in policy


def test_the_server_info_lists_models_rules_and_limits(client: httpx.Client) -> None:
    about = client.get("/v1/server").json()
    assert about["fusion"] in about["fusions"]
    assert about["limits"]["media_s"] == LIMITS["media_s"]
    assert about["models"]["face"]["sha256"] != about["int8"]["face"]["sha256"]


def test_the_requests_of_its_page_succeed(client: httpx.Client) -> None:
    asked = re.findall(r"^curl -F (\w+)=@\S+ 'http://127\.0\.0\.1:8384(/\S+)'", PAGE.read_text(), re.MULTILINE)
    media = {"picture": jpeg(), "video": HAPPY_CLIP.read_bytes()}
    assert len(asked) == 2
    for field, address in asked:
        assert answered(client.post(address, files={field: media[field]})).estimate.label == "happy"


def test_a_table_has_the_rows_of_the_same_answer(client: httpx.Client) -> None:
    film = {"video": HAPPY_CLIP.read_bytes()}
    answer = answered(client.post("/v1/fused", files=film))
    response = client.post("/v1/fused", files=film, headers={"Accept": "text/csv"})
    assert (response.headers["content-type"], response.headers["vary"]) == ("text/csv; charset=utf-8", "Accept")
    rows = list(csv.DictReader(io.StringIO(response.text, newline=""), strict=True))
    assert [(float(row["at_s"]), row["label"]) for row in rows] == [(m.at_s, m.label) for m in answer.timeline]
    assert [float(rows[-1][str(e)]) for e in EMOTIONS] == [p for _, p in answer.timeline[-1].probs or ()]


def test_a_table_of_a_picture_is_one_row_and_a_problem_stays_a_document(client: httpx.Client) -> None:
    asked = {"Accept": "text/csv"}
    (row,) = csv.DictReader(io.StringIO(client.post("/v1/face", content=jpeg(), headers=asked).text))
    assert (row["label"], row["at_s"], row["file"], row["speech_quality"]) == ("happy", "", "", "")
    assert problem(client.post("/v1/speech", content=b"no", headers=asked))["code"] == "unsupported-media"


def test_what_every_rule_makes_of_a_film_is_what_it_answers_when_it_is_asked(client: httpx.Client) -> None:
    film = {"video": HAPPY_CLIP.read_bytes()}
    told = answered(client.post("/v1/fused", files=film)).rules
    assert set(told) == set(RULE_NAMES)
    for rule in ("average", "max_confidence"):
        asked = answered(client.post(f"/v1/fused?fusion={rule}", files=film))
        result, estimate = told[asked.fusion], asked.estimate
        assert asked.rules == told
        assert (result.label, result.confidence, result.probs) == (estimate.label, estimate.confidence, estimate.probs)
        assert (result.valence, result.arousal) == (estimate.valence, estimate.arousal)
        weights = (estimate.modalities.face.weight, estimate.modalities.speech.weight)
        assert (result.face_weight, result.speech_weight) == weights


def test_without_a_face_every_rule_says_nobody(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/face", content=encoded(".png", np.full((200, 200), 90, dtype=np.uint8))))
    assert {(result.label, result.probs) for result in answer.rules.values()} == {("nobody", None)}
