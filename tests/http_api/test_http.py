"""The HTTP API as its users meet it: a real server on loopback."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from http_answers import LIMITS, answered, problem
from media_twins import GROUP, SOUND_HZ, group_picture, write_film
from perception import astronaut, hiss, pause, spoken
from server_process import HAPPY_CLIP, encoded, jpeg, speech_wav, wav

from device.features.face import face_crop
from device.readings import EMOTIONS, RULE_NAMES

pytestmark = pytest.mark.slow

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"


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
