import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from device.errors import ModelError
from device.models.card import Card, read_card, verify_emotion_card, verify_file
from device.readings import EMOTIONS

CONTENT = b"not a net, but bytes with a hash"
RAW: dict[str, Any] = {
    "id": "toy",
    "kind": "face",
    "file": "toy.tflite",
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "features": "face48/1",
    "labels": [str(e) for e in EMOTIONS],
    "input": {"shape": [1, 48, 48, 1], "dtype": "int8", "scale": 0.0039, "zero_point": -128},
    "outputs": [{"shape": [1, 7], "dtype": "int8", "scale": 0.0039, "zero_point": -128}],
    "runtimes": ["ai-edge-litert"],
    "answers": [{"name": "crowd", "temperature": 1.0}],
    "about": {"licence": "none"},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "toy.json"
    path.write_text(json.dumps({**RAW, **changes}), encoding="utf-8")
    return path


def card_in(folder: Path, **changes: Any) -> Card:
    return read_card(written(folder, **changes))


def test_a_card_says_what_stands_in_it(tmp_path: Path) -> None:
    card = card_in(tmp_path)
    assert card.id == "toy"
    assert card.labels == tuple(EMOTIONS)
    assert card.input.shape == (1, 48, 48, 1)
    assert card.outputs[0].zero_point == -128


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.json: no such model card"):
        read_card(tmp_path / "gone.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"7", b"null"])
def test_a_file_that_is_no_card_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "toy.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"toy\.json"):
        read_card(path)


@pytest.mark.parametrize("name", list(RAW))
def test_a_missing_entry_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "toy.json"
    path.write_text(json.dumps({k: v for k, v in RAW.items() if k != name}), encoding="utf-8")
    with pytest.raises(ModelError, match=name):
        read_card(path)


def test_an_entry_that_nobody_knows_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="'colour'"):
        card_in(tmp_path, colour="red")


@pytest.mark.parametrize("temperature", [0, -1, "warm", float("nan"), float("inf")])
def test_a_temperature_that_cannot_divide_is_refused(tmp_path: Path, temperature: object) -> None:
    with pytest.raises(ModelError, match=r"temperature|warm"):
        card_in(tmp_path, answers=[{"name": "crowd", "temperature": temperature}])


def test_the_file_of_the_card_is_known_by_its_hash(tmp_path: Path) -> None:
    (tmp_path / "toy.tflite").write_bytes(CONTENT)
    assert verify_file(card_in(tmp_path), tmp_path) == tmp_path / "toy.tflite"


def test_an_altered_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "toy.tflite").write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="altered"):
        verify_file(card_in(tmp_path), tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"toy\.tflite: cannot read"):
        verify_file(card_in(tmp_path), tmp_path)


def test_a_card_for_this_job_is_accepted(tmp_path: Path) -> None:
    verify_emotion_card(card_in(tmp_path), kind="face", features=("face48/1",))


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"kind": "speech"}, "kind"),
        ({"features": "face48/0"}, "features"),
        ({"labels": RAW["labels"][::-1]}, "labels"),
    ],
)
def test_a_card_for_another_job_features_or_order_is_refused(
    tmp_path: Path, changes: dict[str, Any], named: str
) -> None:
    with pytest.raises(ModelError, match=f"model toy: {named} is"):
        verify_emotion_card(card_in(tmp_path, **changes), kind="face", features=("face48/1",))
