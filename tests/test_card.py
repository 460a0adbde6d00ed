import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.errors import ModelError
from device.models.card import Card, Served, card_json, read_card, single_head, verify_emotion_card, verify_file
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
    "answers": [{"name": "crowd"}],
    "served": {"weights": [1.0], "priors": [[]], "prior_exponents": [0.0], "temperature": 1.0},
    "about": {"licence": "none"},
}


def written(folder: Path, **changes: Any) -> Path:
    path = folder / "toy.json"
    path.write_text(json.dumps({**RAW, **changes}), encoding="utf-8")
    return path


def card_in(folder: Path, **changes: Any) -> Card:
    return read_card(written(folder, **changes))


def test_a_card_states_what_stands_in_it(tmp_path: Path) -> None:
    card = card_in(tmp_path)
    assert card.id == "toy"
    assert card.labels == tuple(EMOTIONS)
    assert card.input.shape == (1, 48, 48, 1)
    assert card.outputs[0].zero_point == -128


def test_one_input_is_written_as_versions_before_several_read_it(tmp_path: Path) -> None:
    card = card_in(tmp_path)
    assert json.loads(card_json(card))["input"] == RAW["input"]
    several = replace(card, inputs=(card.input, card.input))
    path = tmp_path / "several.json"
    path.write_bytes(card_json(several))
    assert read_card(path) == several


def test_a_missing_card_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.json: no such model card"):
        read_card(tmp_path / "gone.json")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"7", b"null"])
def test_a_file_that_is_no_card_is_reported_to_be_none(tmp_path: Path, content: bytes) -> None:
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
        card_in(tmp_path, served={**RAW["served"], "temperature": temperature})


PRIOR = [0.1, 0.1, 0.1, 0.3, 0.2, 0.1, 0.1]
TWO: dict[str, Any] = {
    "answers": [{"name": "crowd"}, {"name": "label"}],
    "outputs": [{"shape": [1, 2, 7], "dtype": "int8", "scale": 0.0039, "zero_point": -128}],
    "served": {"weights": [0.5, 0.5], "priors": [PRIOR, []], "prior_exponents": [1.0, 0.0], "temperature": 0.9},
}


def test_a_card_states_how_two_answers_are_served_as_one(tmp_path: Path) -> None:
    card = card_in(tmp_path, **TWO)
    verify_emotion_card(card, kind="face", features=("face48/1",))
    assert card.served == Served((0.5, 0.5), (tuple(PRIOR), ()), (1.0, 0.0), 0.9)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weights": [0.5]}, "weights, priors and exponents of"),
        ({"weights": [0.5, 0.4]}, "must sum to 1"),
        ({"weights": [1.5, -0.5]}, "none may be negative"),
        ({"weights": [float("nan"), 0.5]}, "none may be negative"),
        ({"prior_exponents": [1.0, 1.0]}, "needs a prior of 7 shares"),
        ({"prior_exponents": [float("inf"), 0.0]}, "an exponent is finite"),
        ({"prior_exponents": [-1.0, 0.0]}, "an exponent is finite and not negative"),
        ({"priors": [[0.0, *PRIOR[1:]], []]}, "needs a prior of 7 shares above 0"),
        ({"priors": [PRIOR[1:], []]}, "needs a prior of 7 shares"),
        ({"temperature": None}, "not 'NoneType'"),
    ],
)
def test_a_card_by_which_nothing_could_be_served_is_refused(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ModelError, match=told):
        card_in(tmp_path, **{**TWO, "served": {**TWO["served"], **changes}})


def read_older(folder: Path, *temperatures: float) -> Card:
    """A card of before: each answer has a temperature of its own, and nothing is said of what is served."""
    answers = [{"name": f"answer {temperature}", "temperature": temperature} for temperature in temperatures]
    raw = {**RAW, "answers": answers}
    del raw["served"]
    path = folder / "toy.json"
    path.write_text(json.dumps(raw), encoding="utf-8")
    return read_card(path)


def test_a_card_of_before_still_serves_its_one_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert read_older(tmp_path, 1.8).served == single_head(1.8)
    assert not caplog.records


def test_of_a_card_of_before_with_two_answers_the_first_is_served_and_that_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert read_older(tmp_path, 0.6, 1.1).served == single_head(0.6, heads=2)
    (record,) = caplog.records
    assert "model toy: its card is of an older format" in record.getMessage()
    assert "only the first, answer 0.6, is; install a newer set of models" in record.getMessage()


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


THREE: dict[str, Any] = {
    "labels": ["positive", "negative", "neither"],
    "outputs": [{"shape": [1, 3], "dtype": "int8", "scale": 0.0039, "zero_point": -128}],
    "class_matrix": [[0, 0, 0, 1, 0, 0, 0], [0.5, 0, 0, 0, 0, 0.5, 0], [0, 0, 0, 0, 1, 0, 0]],
}


def test_a_net_with_other_classes_is_accepted_with_its_way_to_the_seven(tmp_path: Path) -> None:
    card = card_in(tmp_path, **THREE)
    verify_emotion_card(card, kind="face", features=("face48/1",))
    path = tmp_path / "toy.json"
    path.write_bytes(card_json(card))
    assert read_card(path) == card


@pytest.mark.parametrize("matrix", [THREE["class_matrix"][:2], [[1, 1, 0, 0, 0, 0, 0]] * 3, [[1]] * 3])
def test_a_matrix_that_shares_no_class_among_the_seven_is_refused(tmp_path: Path, matrix: Any) -> None:
    with pytest.raises(ModelError, match="class_matrix"):
        card_in(tmp_path, **{**THREE, "class_matrix": matrix})


def test_a_card_of_the_seven_has_no_matrix_in_its_file(tmp_path: Path) -> None:
    assert b"class_matrix" not in card_json(card_in(tmp_path))
