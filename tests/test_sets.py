import json
from dataclasses import replace
from pathlib import Path

import pytest

from device.config.settings import FusionSettings, Settings
from device.errors import ConfigError, ModelError
from device.fusion.rules import RULES
from device.models.sets import list_sets, load_set, models_folder
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


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"default": "a", "sets": {"a": {"face": "b"}}}'])
def test_a_broken_list_of_sets_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "sets.json").write_text(text)
    with pytest.raises(ModelError, match=r"sets\.json: not a readable list"):
        load_set(tmp_path)


def test_a_folder_without_models_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no models here"):
        load_set(tmp_path)
    (tmp_path / "sets.json").write_text(
        json.dumps({"default": "a", "sets": {"a": {"face": "f", "speech": "s", "rule": "average"}}})
    )
    with pytest.raises(ModelError, match=r"f\.json: no such model card"):
        load_set(tmp_path)
