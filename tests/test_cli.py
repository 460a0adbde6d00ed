"""The command line as a user meets it."""

import json
import re
import shutil
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from appliance import HAPPY_CLIP, ROOT, SCENE, affectd, write_config

from device.config.settings import NodeSettings, Settings
from device.readings import EMOTIONS, RULE_NAMES, UNCERTAIN

pytestmark = pytest.mark.slow


def test_a_replay_gives_a_line_an_estimate_and_the_same_bytes_twice() -> None:
    first, second = (affectd("replay", HAPPY_CLIP, "--json") for _ in range(2))
    assert first.stdout == second.stdout
    states = [json.loads(line) for line in first.stdout.splitlines()]
    assert [state["seq"] for state in states] == list(range(1, len(states) + 1))
    assert sum(state["modalities"]["face"]["present"] for state in states) >= 0.8 * len(states)
    assert any(state["modalities"]["speech"]["present"] for state in states)


def test_a_scene_ends_with_a_table_of_its_clips_beside_peoples_votes() -> None:
    done = affectd("replay", *sorted(SCENE.glob("*.flv")), environment={"COLUMNS": "120"})
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if "1001_DFA" in line}
    assert set(rows) == {path.stem for path in SCENE.glob("*.flv")}
    face, voice, fused = re.findall(r"\((\w+)\)", rows["1001_DFA_HAP_XX"])
    assert (face, voice, fused) == ("happy", "neutral", "happy")
    assert "–" not in "".join(rows.values()), "every clip has a face and a voice"


def test_votes_may_begin_with_a_utf8_mark_and_a_file_that_holds_none_is_named(tmp_path: Path) -> None:
    portrait, votes = tmp_path / "face.png", tmp_path / "votes.json"
    shutil.copy(ROOT / "deploy" / "demo" / "astronaut.png", portrait)
    votes.write_bytes(b'\xef\xbb\xbf{"face": {"face": ["surprise"]}}')
    assert "(surprise)" in affectd("replay", portrait).stdout
    votes.write_text('{"face": 3}')
    done = affectd("replay", portrait)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "votes.json: not what people said of the clips beside it" in done.stderr


def test_no_emotion_of_the_demo_is_reported_below_its_threshold_for_longer_than_it_is_held() -> None:
    fusion = Settings(node=NodeSettings(id="x")).fusion
    done = affectd("replay", *sorted(SCENE.glob("*.flv")), "--json")
    states = [json.loads(line) for line in done.stdout.splitlines()]
    stretches = groupby(
        states, lambda s: (s["label"], s["label"] in EMOTIONS and s["confidence"] < fusion.uncertain_below)
    )
    low = [list(stretch) for (_, is_low), stretch in stretches if is_low]
    assert low, "no label is ever held: this shows nothing"
    longest_ns = max(stretch[-1]["mono_ns"] - stretch[0]["mono_ns"] for stretch in low)
    assert longest_ns <= fusion.hold_s * 1e9
    assert UNCERTAIN in {state["label"] for state in states}


def test_the_shared_film_has_a_face_in_most_estimates_and_both_modalities_with_a_voice(shared_data: Path) -> None:
    film = shared_data / "samples" / "WolfgangLanger_Pexels.mp4"
    voice = shared_data / "ravdess" / "Actor_21" / "03-01-05-02-01-01-21.flac"
    states = [json.loads(line) for line in affectd("replay", film, "--json").stdout.splitlines()]
    assert sum(state["modalities"]["face"]["present"] for state in states) >= 0.8 * len(states)
    both = [json.loads(line) for line in affectd("replay", film, "--audio", voice, "--json").stdout.splitlines()]
    assert any(all(part["present"] for part in state["modalities"].values()) for state in both)


@pytest.mark.parametrize("rule", sorted(RULE_NAMES))
def test_each_rule_is_named_in_its_estimates(rule: str) -> None:
    state = json.loads(affectd("replay", HAPPY_CLIP, "--json", "--fusion", rule).stdout.splitlines()[-1])
    assert state["fusion"]["rule"] == rule


@pytest.mark.parametrize(("mode", "silent"), [("face", "speech"), ("speech", "face")])
def test_a_mode_reads_one_modality_alone(mode: str, silent: str) -> None:
    states = [json.loads(line) for line in affectd("replay", HAPPY_CLIP, "--json", "--mode", mode).stdout.splitlines()]
    assert not any(state["modalities"][silent]["present"] for state in states)
    assert any(state["modalities"][mode]["present"] for state in states)


@pytest.mark.parametrize("content", [b"", b"not a film", HAPPY_CLIP.read_bytes()[:2000]])
def test_a_file_that_is_no_film_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(content)
    done = affectd("replay", path)
    assert done.returncode == 1
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


def test_a_picture_without_anybody_has_the_label_nobody(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((480, 640), 90, dtype=np.uint8))
    done = affectd("replay", *[tmp_path / "wall.png"] * 15, "--json")
    assert {json.loads(line)["label"] for line in done.stdout.splitlines()} == {"nobody"}


def test_a_configuration_is_checked_and_shown(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"rate_hz": 5})
    assert affectd("config", "check", "--config", config).stdout == "ok\n"
    assert "rate_hz = 5.0" in affectd("config", "show", "--config", config).stdout
    assert json.loads(affectd("config", "schema").stdout)["$defs"]["CameraSettings"]
    config.write_text("[camera]\nrate = 5")
    wrong = affectd("config", "check", "--config", config)
    assert (wrong.returncode, wrong.stderr.count("\n")) == (78, 1)
    assert "did you mean 'rate_hz'?" in wrong.stderr


@pytest.mark.parametrize(
    ("table", "entries", "said"),
    [
        ("models", {"set": "best"}, "models.set = 'best'"),
        ("mqtt", {"host": "a..b"}, "mqtt.host"),
        ("mqtt", {"host": "mqtt://broker.lan"}, 'write a name or an address alone: host = "broker.lan"'),
        ("mqtt", {"tls": True, "key_file": "/nonexistent"}, "mqtt.key_file"),
        ("mqtt", {"tls": True, "ca_file": "/nonexistent"}, "/nonexistent"),
        ("mqtt", {"username": "me", "password_file": "/nonexistent"}, "/nonexistent"),
        ("node", {"mode": "hands"}, "known are 'face', 'speech', 'both'"),
    ],
)
def test_what_run_would_refuse_the_check_refuses_too(
    tmp_path: Path, table: str, entries: dict[str, Any], said: str
) -> None:
    checked = affectd("config", "check", "--config", write_config(tmp_path, **{table: entries}))
    assert (checked.returncode, checked.stderr.count("\n")) == (78, 1)
    assert said in checked.stderr


def test_recordings_that_are_not_there_are_found_by_the_check(tmp_path: Path) -> None:
    checked = affectd("config", "check", "--config", write_config(tmp_path, replay={"media": ["/nonexistent.mp4"]}))
    assert (checked.returncode, checked.stderr.count("\n")) == (1, 1)
    assert "/nonexistent.mp4" in checked.stderr


@pytest.mark.parametrize("rate", ["nan", "1e-300", "-1", "0", "x"])
def test_a_rate_that_is_none_is_refused(rate: str) -> None:
    done = affectd("replay", HAPPY_CLIP, "--rate", rate)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_one_picture_every_two_seconds_still_keeps_the_person_in_the_room() -> None:
    done = affectd("replay", *[HAPPY_CLIP] * 2, "--rate", "0.6", "--mode", "face", "--json")
    assert "nobody" not in {json.loads(line)["label"] for line in done.stdout.splitlines()}


def test_a_single_picture_without_anybody_is_still_a_line(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.png"), np.full((48, 64), 90, dtype=np.uint8))
    (line,) = affectd("replay", tmp_path / "wall.png", "--json").stdout.splitlines()
    assert json.loads(line)["label"] == "nobody"


def test_the_models_are_listed_and_verified() -> None:
    assert "baseline-face" in affectd("models", "list", environment={"COLUMNS": "120"}).stdout
    verified = affectd("models", "verify")
    assert verified.returncode == 0
    assert verified.stdout.count("ok ") >= 3


def test_devices_are_listed_even_where_there_are_none() -> None:
    done = affectd("devices")
    assert done.returncode == 0
    assert "Cameras" in done.stdout
    assert "Microphones" in done.stdout


def test_the_doctor_takes_a_host_that_is_none_calmly(tmp_path: Path) -> None:
    done = affectd("doctor", "--config", write_config(tmp_path, mqtt={"host": "a..b"}, node={"mode": "face"}))
    assert "FAIL  configuration" in done.stdout
    assert "'a..b' is no host name" in done.stdout
    assert "Traceback" not in done.stderr


def test_the_doctor_names_what_is_missing_and_its_remedy(tmp_path: Path) -> None:
    config = write_config(tmp_path, camera={"source": "/dev/v4l/by-id/usb-none"}, mqtt={"port": 1})
    done = affectd("doctor", "--config", config)
    assert done.returncode == 1
    lines = {line.split()[1]: line for line in done.stdout.splitlines() if line[:4] in ("ok  ", "FAIL")}
    assert lines["models"].startswith("ok")
    assert "usb-none" in lines["camera"]
    assert lines["broker"].startswith("FAIL")
