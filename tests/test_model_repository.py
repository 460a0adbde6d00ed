"""The export for NVIDIA Triton: its layout, and its configuration by Triton's own protobuf schema."""

import hashlib
import importlib
import importlib.util
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import onnxruntime
import pytest

from desktop_server.cli import main
from desktop_server.inference import onnx as engine
from desktop_server.inference.model_repository import Batches, config_text, labels_text, write_repository
from device.errors import AffectdError, ModelError
from device.models.card import Card
from device.models.sets import list_sets, load_set

FOLDER = engine.float_models_folder()
CARDS = {card.id: card for name in list_sets(FOLDER) for card in load_set(FOLDER, name).models.values()}
BATCHES = Batches(size=32, wait_us=2000, queue=64)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("triton") / "repository"
    write_repository(folder, CARDS.values(), FOLDER, BATCHES)
    return folder


@pytest.fixture(scope="session")
def schema() -> Any:
    """Triton's ``model_config.proto``, as its client carries it; imported without the client, which asks for gRPC."""
    client = importlib.util.find_spec("tritonclient")
    if client is None or not client.submodule_search_locations:
        pytest.skip("no tritonclient; install it with: pip install tritonclient")
    path = Path(client.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def parsed(text: str, schema: Any) -> Any:
    text_format = importlib.import_module("google.protobuf.text_format")  # ONNX Runtime brings it; it has no types
    return text_format.Parse(text, schema.ModelConfig())


def test_every_net_of_every_set_has_a_folder_as_triton_wants_it(repository: Path) -> None:
    assert sorted(path.name for path in repository.iterdir()) == sorted(CARDS)
    for card in CARDS.values():
        files = sorted(str(p.relative_to(repository / card.id)) for p in (repository / card.id).rglob("*"))
        assert files == ["1", "1/model.onnx", "card.json", "config.pbtxt", "labels.txt"]
        assert hashlib.sha256((repository / card.id / "1" / "model.onnx").read_bytes()).hexdigest() == card.sha256


@pytest.mark.parametrize("name", CARDS)
def test_the_configuration_is_tritons_and_says_what_the_net_says(name: str, repository: Path, schema: Any) -> None:
    config = parsed((repository / name / "config.pbtxt").read_text(), schema)
    net = onnxruntime.InferenceSession(str(repository / name / "1" / "model.onnx"))
    assert (config.name, config.platform, config.backend) == (name, "onnxruntime_onnx", "onnxruntime")
    for told, found in zip([*config.input, *config.output], [*net.get_inputs(), *net.get_outputs()], strict=True):
        assert (told.name, list(told.dims)) == (found.name, found.shape[1:])
        assert (told.data_type, found.type) == (schema.TYPE_FP32, "tensor(float)")
        assert isinstance(found.shape[0], str), "Triton batches only along a free first axis"


def test_triton_batches_as_the_server_does(repository: Path, schema: Any) -> None:
    config = parsed((repository / "affectd-1-face-float32" / "config.pbtxt").read_text(), schema)
    policy = config.dynamic_batching.default_queue_policy
    assert (config.max_batch_size, config.dynamic_batching.max_queue_delay_microseconds) == (32, 2000)
    assert (policy.max_queue_size, policy.timeout_action) == (64, schema.ModelQueuePolicy.REJECT)


@pytest.mark.parametrize("name", CARDS)
def test_there_is_a_label_for_every_number(name: str, repository: Path, schema: Any) -> None:
    config = parsed((repository / name / "config.pbtxt").read_text(), schema)
    (output,) = config.output
    labels = (repository / name / output.label_filename).read_text().splitlines()
    assert len(labels) == len(set(labels)) == math.prod(output.dims)


def test_the_rows_of_a_net_with_two_answers_are_told_apart() -> None:
    lines = labels_text(CARDS["affectd-1-face-float32"]).splitlines()
    assert (lines[0], lines[7]) == ("crowd/angry", "fer2013/angry")
    assert labels_text(CARDS["baseline-face-float32"]).splitlines()[0] == "angry"


def test_what_a_card_says_cannot_break_out_of_its_text(schema: Any) -> None:
    card = replace(CARDS["baseline-face-float32"], features='48" } x: {\n\\')
    assert parsed(config_text(card, BATCHES), schema).parameters["features"].string_value == card.features


def test_the_command_takes_the_servers_batching_and_says_what_it_wrote(
    tmp_path: Path, schema: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "server.toml"
    config.write_text("[batching]\nsize = 8\nqueue = 9\nwait_ms = 1.5\n")
    arguments = ["model-repository", str(tmp_path / "new"), "--model-set", "baseline", "--config", str(config)]
    assert main(arguments) == 0
    folders = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert [folder.name for folder in folders] == ["baseline-face-float32", "baseline-speech-float32"]
    made = parsed((folders[0] / "config.pbtxt").read_text(), schema)
    assert (made.max_batch_size, made.dynamic_batching.max_queue_delay_microseconds) == (8, 1500)


def test_a_second_export_replaces_the_first(tmp_path: Path) -> None:
    card = CARDS["affectd-1-speech-float32"]
    first, second = (write_repository(tmp_path, [card], FOLDER, replace(BATCHES, size=size)) for size in (1, 2))
    assert first == second
    assert "max_batch_size: 2" in (tmp_path / card.id / "config.pbtxt").read_text()
    assert not list(tmp_path.rglob("*.new"))


def test_an_altered_net_is_not_exported(tmp_path: Path) -> None:
    card = CARDS["affectd-1-speech-float32"]
    shutil.copy(FOLDER / "affectd-1-speech.json", tmp_path)
    (tmp_path / card.file).write_bytes(b"\0" + (FOLDER / card.file).read_bytes()[1:])
    with pytest.raises(ModelError, match="the file was altered"):
        write_repository(tmp_path / "out", [card], tmp_path, BATCHES)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b", "x" * 200])
def test_an_id_that_cannot_name_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    card: Card = replace(CARDS["affectd-1-speech-float32"], id=name)
    with pytest.raises(ModelError, match="cannot name a folder"):
        write_repository(tmp_path / "out", [card], FOLDER, BATCHES)


def test_a_file_in_place_of_the_folder_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AffectdError, match="cannot write the model repository"):
        write_repository(tmp_path / "file", CARDS.values(), FOLDER, BATCHES)
    assert main(["model-repository", str(tmp_path / "x"), "--model-set", "nobody"]) == 78
    assert "no such model set" in capsys.readouterr().err
