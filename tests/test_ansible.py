"""The playbook refuses a wrong setting before any node is touched, by a list of its own: it must be affectd's."""

from collections.abc import Iterator
from typing import Any

import pytest
from appliance import ROOT

from device.config.settings import UNSTATED
from device.config.settings_file import schema
from device.setup.purpose import LAWFUL

yaml = pytest.importorskip("yaml", reason="the tests' packages are not there: pip install 'affectd[test]'")

SPECIFICATION = ROOT / "deploy" / "ansible" / "roles" / "affectd" / "meta" / "argument_specs.yml"
TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list"}
# What a fleet must say, and one computer need not.
REQUIRED = {("node", "purpose"), ("mqtt", "host")}


def settings() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Table, key and JSON schema of everything that may be set."""
    kinds = schema()["$defs"]
    for table, reference in kinds["Settings"]["properties"].items():
        for key, described in kinds[reference["$ref"].rpartition("/")[2]]["properties"].items():
            yield table, key, described


def as_ansible(table: str, key: str, described: dict[str, Any]) -> dict[str, Any]:
    """A setting in the words of Ansible's argument specification."""
    choices = described.get("enum", [])
    kind = TYPES[described.get("type") or ("integer" if isinstance(choices[0], int) else "string")]
    if (table, key) in REQUIRED:
        choices = [choice for choice in choices if choice not in ("", UNSTATED)]
    return {
        "type": kind,
        **({"required": True} if (table, key) in REQUIRED else {}),
        **({"choices": choices} if choices else {}),
        **({"elements": "str"} if kind == "list" else {}),
    }


def test_the_playbook_knows_every_setting_and_no_other() -> None:
    options = yaml.safe_load(SPECIFICATION.read_text())["argument_specs"]["order"]["options"]
    known = {
        (table, key): described
        for table, entries in options["affectd_configuration"]["options"].items()
        for key, described in entries["options"].items()
    }
    assert known == {(table, key): as_ansible(table, key, described) for table, key, described in settings()}


def test_the_playbook_knows_every_lawful_purpose() -> None:
    options = yaml.safe_load(SPECIFICATION.read_text())["argument_specs"]["order"]["options"]
    purpose = options["affectd_configuration"]["options"]["node"]["options"]["purpose"]
    assert set(purpose["choices"]) == set(LAWFUL)
