import json
import re
from pathlib import Path

import jsonschema
import msgspec
import pytest

from desktop_server.settings import ServerSettings, load_server_settings
from device.config.password import read_password
from device.config.settings import Settings
from device.config.settings_file import load_settings, parse_settings, parse_settings_as, schema, to_toml
from device.errors import ConfigError
from device.fusion.rules import RULES


def test_an_empty_file_is_a_valid_one() -> None:
    settings = parse_settings("", "affectd.toml")
    assert settings.mqtt.port == 1883
    assert settings.fusion.rule == ""


def test_every_fusion_rule_can_be_set_in_the_file_and_on_the_command_line() -> None:
    assert [parse_settings(f"[fusion]\nrule = '{rule}'", "").fusion.rule for rule in RULES] == list(RULES)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mqtt]\nhots = 'a'", "affectd.toml: unknown key mqtt.hots = 'a'; did you mean 'host'?"),
        ("[cammera]\n", "affectd.toml: unknown table [cammera]; did you mean 'camera'?"),
        ("[mqtt]\nport = 'x'", "affectd.toml: mqtt.port = 'x': expected `int`, got `str`"),
        ("[mqtt]\nport = 0", "affectd.toml: mqtt.port = 0: expected `int` >= 1"),
        ("[camera]\nrate_hz = 1e9", "affectd.toml: camera.rate_hz = 1000000000.0: expected `float` <= 60.0"),
        ("[camera]\nrate_hz = nan", "affectd.toml: camera.rate_hz = nan: expected `float` >= 0.2"),
        ("[fusion]\nrule = 'median'", "affectd.toml: fusion.rule = 'median': invalid enum value 'median'"),
        (
            "[node]\nid = 'a/b'",
            "affectd.toml: node.id = 'a/b': expected 1 to 64 letters from a to z, digits, '_' or '-', such as 'a-b'",
        ),
        ("[node]\nid = 'Küche'", "affectd.toml: node.id = 'Küche': expected 1 to 64 letters from a to z"),
        ("[mqtt]\nprefix = '/house 1'", "affectd.toml: mqtt.prefix = '/house 1': expected 1 to 8 names with '/'"),
        ("[camera]\nsource = ''", "affectd.toml: camera.source = '': expected"),
        ("[replay]\nmedia = [1]", "affectd.toml: replay.media = [1]: expected `str`, got `int`"),
        ("camera = 1", "affectd.toml: camera = 1: expected a table [camera]"),
        ("[mqtt", "affectd.toml: not TOML: "),
    ],
)
def test_a_mistake_is_named_in_one_line(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, "affectd.toml")
    assert str(caught.value).startswith(said)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 78


def test_no_mistake_is_answered_with_a_pattern() -> None:
    patterns = set(re.findall(r'"pattern": (".*?")[,}]', json.dumps(schema(ServerSettings))))
    assert len(patterns) == 3
    for table, key in (("node", "id"), ("mqtt", "prefix"), ("mqtt", "discovery_prefix"), ("sharing", "group")):
        with pytest.raises(ConfigError) as caught:
            parse_settings_as(f"[{table}]\n{key} = 'ä wrong name'", "affectd.toml", ServerSettings)
        assert "letters from a to z" in str(caught.value)
        assert "regex" not in str(caught.value)
        assert str(caught.value).endswith("such as 'a-wrong-name'")


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml: cannot read the configuration"):
        load_settings(tmp_path / "nothing.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings(tmp_path / "binary.toml")


MARK = b"\xef\xbb\xbf"
"""What editors of Windows begin a UTF-8 file with."""


def test_a_utf8_mark_is_no_part_of_a_configuration_or_a_password(tmp_path: Path) -> None:
    (tmp_path / "affectd.toml").write_bytes(MARK + b'[node]\r\nid = "kitchen"\r\n')
    assert load_settings(tmp_path / "affectd.toml").node.id == "kitchen"
    assert load_server_settings(tmp_path / "affectd.toml").node.id == "kitchen"
    (tmp_path / "pw").write_bytes(MARK + b"s3cret\r\n")
    assert (
        read_password(parse_settings(f"[mqtt]\nusername = 'me'\npassword_file = '{tmp_path}/pw'", "x").mqtt) == "s3cret"
    )


def test_what_is_shown_reads_back_as_the_same_settings() -> None:
    settings = parse_settings("[replay]\nmedia = ['a \"b\".mp4', 'c']\n[camera]\nrate_hz = 5\n", "x")
    assert parse_settings(to_toml(settings), "y") == settings


def test_the_schema_accepts_the_defaults_and_refuses_a_bad_port() -> None:
    jsonschema.validate(json.loads(msgspec.json.encode(Settings())), schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"mqtt": {"port": 0}}, schema())


def test_the_password_comes_from_its_file_and_a_missing_one_is_said(tmp_path: Path) -> None:
    (tmp_path / "pw").write_text("s3cret\n")
    assert (
        read_password(parse_settings(f"[mqtt]\nusername = 'me'\npassword_file = '{tmp_path}/pw'", "x").mqtt) == "s3cret"
    )
    (tmp_path / "pw").write_text(" s3 cret \r\n")
    assert (
        read_password(parse_settings(f"[mqtt]\nusername = 'me'\npassword_file = '{tmp_path}/pw'", "x").mqtt)
        == " s3 cret "
    )
    with pytest.raises(ConfigError, match=r"mqtt\.password_file"):
        read_password(parse_settings(f"[mqtt]\nusername = 'me'\npassword_file = '{tmp_path}/no'", "x").mqtt)


def test_what_the_unit_takes_a_password_from_is_read_where_nothing_else_is_named(tmp_path: Path) -> None:
    stored, named = tmp_path / "stored", tmp_path / "named"
    mqtt = parse_settings("[mqtt]\nusername = 'kitchen'", "x").mqtt
    assert read_password(mqtt, stored=stored) is None
    stored.write_text("s3cret\n")
    named.write_text("other\n")
    assert read_password(mqtt, stored=stored) == "s3cret"
    assert (
        read_password(parse_settings(f"[mqtt]\nusername = 'me'\npassword_file = '{named}'", "x").mqtt, stored=stored)
        == "other"
    )
    assert read_password(parse_settings("[mqtt]\nusername = ''", "x").mqtt, stored=stored) is None
    stored.write_text("\n")
    assert read_password(mqtt, stored=stored) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[mqtt]\nca_file = 'ca.crt'", "affectd.toml: mqtt.ca_file = 'ca.crt': of no use without TLS; set mqtt.tls"),
        ("[mqtt]\ncert_file = 'a'", "affectd.toml: mqtt.cert_file = 'a': of no use without TLS"),
        ("[mqtt]\nkey_file = 'a'", "affectd.toml: mqtt.key_file = 'a': of no use without TLS"),
        ("[mqtt]\npassword_file = 'a'", "affectd.toml: mqtt.password_file = 'a': a password without a user name"),
        ("[mqtt]\nhost = 'mqtts://hub.lan:8883'", "affectd.toml: mqtt.host 'mqtts://hub.lan:8883' is no host name"),
        ("[replay]\naudio = 'a.wav'", "affectd.toml: replay.audio = 'a.wav': it replaces the sound of replay.media"),
        ("[replay]\nloop = true", "affectd.toml: replay.loop = true: there is nothing to repeat"),
        ("[camera]\nsource = ' '", "affectd.toml: camera.source: it is nothing but blanks"),
        (
            '[camera]\nsource = "/dev/video0\\u0000"',
            "affectd.toml: camera.source: it is nothing but blanks, or has a control",
        ),
        ("[microphone]\nname = '\t'", "affectd.toml: microphone.name: it is nothing but blanks"),
        ("[camera]\nsource = '/proc/nowhere'", "affectd.toml: camera.source = '/proc/nowhere': no camera is there"),
        ("[camera]\nsource = 'htp://user:secret@door'", "affectd.toml: camera.source: its address begins with 'htp'"),
    ],
)
def test_keys_that_contradict_each_other_or_do_nothing_are_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_settings(text, "affectd.toml")
    assert str(refused.value).startswith(said)
    assert "secret" not in str(refused.value)
