"""Purposes, the lawful and the others."""

from pathlib import Path

import pytest

from device.config.settings import Settings
from device.config.settings_file import load_settings
from device.errors import ConfigError
from device.setup.draft import Draft
from device.setup.files import sparse_toml
from device.setup.purpose import FORBIDDEN, LAWFUL, require_lawful


@pytest.mark.parametrize("purpose", [*FORBIDDEN, "School", " work "])
def test_a_forbidden_purpose_is_refused_by_any_of_its_names(purpose: str) -> None:
    with pytest.raises(ConfigError, match=r"AI Act, Article 5\(1\)\(f\)"):
        require_lawful(purpose)


def test_every_lawful_purpose_is_one_that_the_settings_take(tmp_path: Path) -> None:
    for purpose in LAWFUL:
        path = tmp_path / "a.toml"
        path.write_text(sparse_toml(Draft(Settings()).change("node", purpose=require_lawful(purpose)).settings))
        assert load_settings(path).node.purpose == purpose
