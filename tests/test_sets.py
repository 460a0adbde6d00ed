import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from device.config.settings import FusionSettings, Settings
from device.errors import ConfigError, ModelError
from device.fusion.rules import RULES
from device.models.sets import list_sets, load_set, models_folder
from device.models.sets_file import read_sets_file, write_sets_file
from device.wiring.fusion import fusion_rule, make_fusion


def test_the_installed_default_set_has_three_cards() -> None:
    models = load_set(models_folder())
    assert [card.kind for card in models.cards] == ["face", "speech", "detector"]
    assert models.name == list_sets(models_folder())[0]


def test_every_installed_set_names_a_rule_that_there_is() -> None:
    assert {load_set(models_folder(), name).rule for name in list_sets(models_folder())} <= set(RULES)


def test_the_sets_rule_fuses_unless_the_settings_name_one() -> None:
    models = replace(load_set(models_folder()), rule="product")
    assert fusion_rule(Settings(), models) == "product"
    assert fusion_rule(Settings(fusion=FusionSettings(rule="weighted")), models) == "weighted"


def test_a_set_with_a_rule_of_a_later_version_is_refused_by_name() -> None:
    models = replace(load_set(models_folder()), rule="attention")
    with pytest.raises(ModelError, match="has no fusion rule 'attention'; set"):
        make_fusion(Settings(), models)


def test_an_unknown_set_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"models\.set = 'best': .* baseline"):
        load_set(models_folder(), "best")


def listed(**changed: Any) -> str:
    entry = {"face": "f", "speech": "s", "rule": "average"}
    whole: dict[str, Any] = {"default": "a", "sets": {"a": entry}}
    return json.dumps({name: value for name, value in (whole | changed).items() if value is not None})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "Expecting value"),
        ('{"default": "a", ', "line 1 column"),
        ("[]", "the whole is a list, where an object is needed"),
        (listed(default=None), "the whole lacks 'default'"),
        (listed(sets=None), "the whole lacks 'sets'"),
        (listed(model="x"), "the whole: unknown entry 'model'; known are default, sets"),
        (listed(sets={}), "sets: an object with one set at least is needed"),
        (listed(sets=["a"]), "sets: an object with one set at least is needed"),
        (listed(default="b"), "default: 'b' is none of the sets 'a'"),
        (listed(default=["a"]), r"default: \['a'\] is none of the sets"),
        (listed(sets={"a": "f"}), "sets: 'a' is a str, where an object is needed"),
        (listed(sets={"a": {"face": "f"}}), "sets: 'a' lacks 'rule'"),
        (listed(sets={"a": {"rule": "average"}}), "sets: 'a' names no net; give one for face or speech"),
        (
            listed(sets={"a": {"voice": "s", "rule": "average"}}),
            "sets: 'a': unknown entry 'voice'; known are face, rule",
        ),
        (listed(sets={"a": {"face": 1, "rule": "average"}}), "sets: 'a': face is 1, where the net's name is"),
        (listed(sets={"a": {"face": "../f", "rule": "average"}}), "face is '../f', where the net's name is"),
        (listed(sets={"a": {"face": "f", "rule": None}}), "rule is None, where the rule's name is"),
        (listed(sets={"a": {}, "../x": {}}), "sets: 'a' lacks 'rule'"),
        ('{"default": "a", "sets": {"a": {}, "a": {}}}', "'a' is there twice"),
    ],
)
def test_whatever_is_wrong_with_a_list_of_sets_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sets.json").write_text(text)
    with pytest.raises(ModelError, match=rf"sets\.json: not a readable list of model sets \(.*{said}.*\); mend it"):
        load_set(tmp_path)


def test_a_list_of_sets_is_written_as_it_is_read(tmp_path: Path) -> None:
    content = read_sets_file(models_folder())
    write_sets_file(tmp_path, content)
    assert read_sets_file(tmp_path) == content


def test_a_folder_without_models_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no models here"):
        load_set(tmp_path)
    (tmp_path / "sets.json").write_text(
        json.dumps({"default": "a", "sets": {"a": {"face": "f", "speech": "s", "rule": "average"}}})
    )
    with pytest.raises(ModelError, match=r"sets\.json: sets: 'a': face is 'f', and f\.json is not there; copy it"):
        load_set(tmp_path)


def test_a_net_that_reads_another_modality_than_its_entry_says_is_named(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(models_folder(), tmp_path / "models"))
    (folder / "sets.json").write_text(listed(sets={"a": {"face": "baseline-speech", "rule": "average"}}))
    said = r"sets\.json: sets: 'a': face is 'baseline-speech', which is a net for speech; name one for face"
    with pytest.raises(ModelError, match=said):
        load_set(folder)
