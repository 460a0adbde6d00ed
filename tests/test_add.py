"""``affectd models add``: a net of one's own, from the file that was made to what the appliance serves."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from appliance import HAPPY_CLIP, affectd

from device.errors import AffectdError, ConfigError, ModelError
from device.fusion.rules import RULES
from device.models.card import card_json, read_card
from device.models.sets import ModelSet, list_sets, load_set, package_folder
from device.updates.add import add

pytestmark = pytest.mark.slow


@pytest.fixture
def like() -> ModelSet:
    return load_set(package_folder())


def made(folder: Path, model: str, name: str) -> Path:
    """A net of the package's under another name, as a training leaves it."""
    folder.mkdir(exist_ok=True)
    shutil.copyfile(package_folder() / f"{model}.tflite", folder / f"{name}.tflite")
    card = replace(read_card(package_folder() / f"{model}.json"), id=name, file=f"{name}.tflite")
    (folder / f"{name}.json").write_bytes(card_json(card))
    return folder / f"{name}.tflite"


def test_an_own_net_is_served_at_once(tmp_path: Path) -> None:
    mine, folder = made(tmp_path / "run", "baseline-face", "mine"), tmp_path / "my models"
    said = affectd("models", "add", mine, "--dir", folder).stdout
    assert said.startswith("model set 'mine' (face mine, speech affectd-1-speech; rule product) is the default of ")
    assert f"dir = {json.dumps(str(folder))}" in said
    assert affectd("models", "verify", "--dir", folder).returncode == 0
    replayed = affectd("replay", HAPPY_CLIP, "--models-dir", folder, "--json").stdout.splitlines()
    assert {json.loads(line)["model_set"] for line in replayed} == {"mine"}


def test_face_and_voice_one_after_the_other_become_one_set(tmp_path: Path, like: ModelSet) -> None:
    face, voice = (made(tmp_path / "run", f"baseline-{kind}", f"my-{kind}") for kind in ("face", "speech"))
    add([face], folder=tmp_path / "models", like=like, name="mine", rule="average")
    both = add([voice], folder=tmp_path / "models", like=like, name="mine")
    assert [card.id for card in both.cards] == ["my-face", "my-speech", "blazeface_short"]
    assert both.rule == "average"
    assert add([face, voice], folder=tmp_path / "models", like=like).name == "my-face"
    assert list_sets(tmp_path / "models") == ("my-face", "mine")


def test_verify_refuses_a_rule_that_this_version_does_not_have(tmp_path: Path, like: ModelSet) -> None:
    add([made(tmp_path / "run", "baseline-face", "mine")], folder=tmp_path / "models", like=like)
    listed = tmp_path / "models" / "sets.json"
    listed.write_text(listed.read_text().replace(like.rule, "magic"))
    refused = affectd("models", "verify", "--dir", listed.parent)
    assert "'mine': this version of affectd has no fusion rule 'magic'; set fusion.rule to" in refused.stderr


def test_a_net_may_be_added_where_it_lies(tmp_path: Path, like: ModelSet) -> None:
    mine = made(tmp_path / "run", "baseline-speech", "mine")
    assert add([mine], folder=mine.parent, like=like).folder == mine.parent


def test_what_cannot_serve_is_refused_and_changes_nothing(tmp_path: Path, like: ModelSet) -> None:
    mine, folder = made(tmp_path / "run", "baseline-face", "mine"), tmp_path / "models"
    add([mine], folder=folder, like=like)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    mine.write_bytes(mine.read_bytes()[:-1])
    with pytest.raises(ModelError, match="the file was altered"):
        add([mine], folder=folder, like=like)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_another_set_s_net_is_not_replaced(tmp_path: Path, like: ModelSet) -> None:
    folder = tmp_path / "models"
    add([made(tmp_path / "run", "baseline-face", "mine")], folder=folder, like=like, name="first")
    other = made(tmp_path / "other", "affectd-1-face", "mine")
    with pytest.raises(ModelError, match="the set 'first' serves another net called mine; train yours under another"):
        add([other], folder=folder, like=like, name="second")
    assert add([other], folder=folder, like=like, name="first").name == "first"  # a new version of its own net


def test_bad_files_are_named(tmp_path: Path, like: ModelSet) -> None:
    face, again = (made(tmp_path / "run", "baseline-face", name) for name in ("mine", "again"))
    for files, said in (
        ([tmp_path / "gone.tflite"], r"gone\.json: no such model card"),
        ([package_folder() / "blazeface_short.tflite"], "reads no emotion, it is a detector; name a net for face or"),
        ([face, again], "a set has one net for face, and mine is one"),
        ([face.rename(face.with_name("renamed.tflite"))], r"renamed\.json: no such model card"),
    ):
        with pytest.raises(ModelError, match=said):
            add(files, folder=tmp_path / "models", like=like)
    assert not (tmp_path / "models").exists()
    with pytest.raises(ModelError, match=r"can not be called .\.\./x"):
        add([again], folder=tmp_path / "models", like=like, name="../x")
    (tmp_path / "file").touch()
    with pytest.raises(AffectdError, match="choose another --dir"):
        add([again], folder=tmp_path / "file" / "models", like=like)


def test_a_rule_of_fusion_is_one_that_there_is(tmp_path: Path) -> None:
    refused = affectd("models", "add", "x.tflite", "--dir", tmp_path, "--rule", "magic")
    assert refused.returncode == 2
    assert all(rule in refused.stderr for rule in RULES)


def test_a_folder_without_models_is_named_by_a_replay(tmp_path: Path) -> None:
    assert "no models here; set models.dir" in affectd("replay", HAPPY_CLIP, "--models-dir", tmp_path).stderr
    with pytest.raises(ConfigError):
        load_set(package_folder(), "mine")
