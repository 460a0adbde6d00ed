"""Both composition roots on the same clip: all is the same but the model."""

from __future__ import annotations

from pathlib import Path

import pytest
from broker import Listener, Mosquitto
from fakes import eventually
from server_process import HAPPY_CLIP, affectd_server, serving, write_config

from desktop_server.inference.onnx import float_engine
from desktop_server.schema.analysis import AnalysisResponse
from device.app import replay_estimates
from device.capture.replay import open_media
from device.config.settings import NodeSettings, Settings
from device.models.net import Engine
from device.readings import Estimate, Modality
from device.wiring.models import TFLITE, load_models

pytestmark = pytest.mark.slow

SETTINGS = Settings(node=NodeSettings(id="test"))
FLOAT = float_engine("cpu")


def replayed(engine: Engine) -> list[Estimate]:
    models = load_models(SETTINGS, engine)
    replay = open_media([HAPPY_CLIP], rate_hz=SETTINGS.camera.rate_hz)
    return list(replay_estimates(SETTINGS, models, replay, engine.load_net))


def test_a_replay_through_both_roots_differs_only_by_the_model() -> None:
    on_device, on_desktop = ({e.captured_ns: e for e in replayed(engine)} for engine in (TFLITE, FLOAT))
    together = on_device.keys() & on_desktop.keys()  # a label that falls between two readings is one side's own
    assert len(together) > 0.9 * len(on_device | on_desktop) > 10
    said_both = False
    for ours, theirs in ((on_device[moment], on_desktop[moment]) for moment in together):
        assert ours.rule == theirs.rule
        for modality in Modality:
            int8, full = ours.modalities[modality], theirs.modalities[modality]
            assert (int8.present, int8.age_ms, int8.quality) == (full.present, full.age_ms, full.quality)
            if int8.probs and full.probs:
                said_both = True
                assert int8.probs == pytest.approx(full.probs, abs=0.1)
    assert said_both
    assert any(on_device[moment].probs != on_desktop[moment].probs for moment in together)


def test_the_server_s_timeline_of_a_film_is_the_replay(tmp_path: Path) -> None:
    with serving(tmp_path) as server, server.client() as client:
        sent = client.post("/v1/fused?compare=true", files={"video": HAPPY_CLIP.read_bytes()})
    answer = AnalysisResponse.model_validate_json(sent.content)
    assert answer.int8 is not None
    for timeline, engine in ((answer.timeline, FLOAT), (answer.int8.timeline, TFLITE)):
        expected = replayed(engine)
        assert [moment.label for moment in timeline] == [e.label for e in expected]
        assert [moment.at_s for moment in timeline] == pytest.approx([e.captured_ns / 1e9 for e in expected], abs=1e-3)
        assert [moment.confidence for moment in timeline] == pytest.approx([e.confidence for e in expected], abs=1e-3)


def test_the_desktop_is_a_node_like_any_pi(tmp_path: Path) -> None:
    with Mosquitto(tmp_path) as broker, Listener(broker.port) as listener:
        config = write_config(tmp_path, mqtt={"port": broker.port}, replay={"media": [str(HAPPY_CLIP)]})
        ended = affectd_server("node", "--config", config)
        assert ended.returncode == 0, ended.stderr
        eventually(lambda: any(said["state"] == "stopped" for said in listener.json("affectd/test/status")))
        (info, *_) = listener.json("affectd/test/info")
        assert "onnxruntime" in info["runtime"]
        assert {model["id"] for model in info["models"]} >= {"affectd-1-face-float32", "affectd-1-speech-float32"}
        assert {said["label"] for said in listener.json("affectd/test/state")} & {"happy"}


def test_a_node_whose_gpu_is_not_there_does_not_start(tmp_path: Path) -> None:
    config = write_config(tmp_path, engine={"provider": "cuda"}, replay={"media": [str(HAPPY_CLIP)]})
    ended = affectd_server("node", "--config", config)
    assert (ended.returncode, "Traceback" in ended.stderr) == (78, False)
    assert "engine.provider = 'cuda'" in ended.stderr
