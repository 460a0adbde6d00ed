"""``affectd setup`` without questions: by flags, and by a file on the card."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from appliance import affectd
from broker import HOST, Mosquitto, make_certificates, make_password_file
from faults import without_root_s_rights
from virtual_hardware import NetworkCamera, network_camera

from device.cli import main
from device.commands.setup import DONE_WITH_FINDINGS, before
from device.config.settings_file import load_settings
from device.errors import ConfigError
from device.setup.unattended import read_order

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]

UNIT = ROOT / "systemd" / "affectd-firstboot.service"

EXAMPLE = ROOT / "deploy" / "affectd-setup.toml"

OLD = '[node]\nid = "attic"\n'

REPORT = "affectd-setup.txt"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates of an authority of the house, and one user."""
    folder = tmp_path_factory.mktemp("house")
    make_certificates(folder)
    make_password_file(folder, "kitchen", "s3cret")
    return folder


@pytest.fixture(scope="module")
def broker(house: Path) -> Iterator[Mosquitto]:
    tls = [f"cafile {house}/ca.crt", f"certfile {house}/broker.crt", f"keyfile {house}/broker.key"]
    with Mosquitto(house, *tls, "allow_anonymous false", f"password_file {house}/passwords") as running:
        yield running


@pytest.fixture(scope="module")
def camera() -> Iterator[NetworkCamera]:
    with network_camera() as running:
        yield running


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """The boot partition."""
    folder = tmp_path / "firmware"
    folder.mkdir()
    return folder


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that is there already."""
    path = tmp_path / "etc" / "affectd.toml"
    path.parent.mkdir()
    path.write_text(OLD)
    return path


def test_flags_alone_make_a_configuration_that_was_tried(
    config: Path, tmp_path: Path, broker: Mosquitto, house: Path, camera: NetworkCamera
) -> None:
    (tmp_path / "password").write_text("s3cret")
    done = affectd(
        "setup", "--config", config, "--yes", "--purpose", "research", "--node", "kitchen", "--microphone", "none",
        "--camera", camera.address("face"), "--broker", f"{HOST}:{broker.port}", "--tls", "--ca-file", house / "ca.crt",
        "--username", "kitchen", "--password-file", tmp_path / "password",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "face found: yes" in done.stdout
    assert "ok    broker publish" in done.stdout
    assert "secret" not in done.stdout
    settings = load_settings(config)
    assert (settings.node.id, settings.node.purpose, settings.node.mode) == ("kitchen", "research", "face")
    assert affectd("doctor", "--config", config).stdout.count("ok    broker") == 5


def test_what_is_not_sound_is_not_written_unless_it_is_requested(config: Path) -> None:
    flags = ["--config", str(config), "--purpose", "home", "--camera", "none", "--microphone", "the other one"]
    done = affectd("setup", *flags, "--broker", f"{HOST}:1")
    assert done.returncode == 1
    assert "FAIL  microphone" in done.stdout
    assert "FAIL  broker TCP" in done.stdout
    assert "nothing was changed; see above" in done.stderr
    assert config.read_text() == OLD
    assert affectd("setup", *flags, "--broker", f"{HOST}:1", "--skip-checks").returncode == 0
    assert load_settings(config).microphone.name == "the other one"
    assert config.with_name("affectd.toml.old").read_text() == OLD


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "--purpose is missing: why is the appliance there? One of home,"),
        (["--purpose", "school"], "in a school or at a university is forbidden in the EU"),
        (["--purpose", "fun"], "node.purpose = 'fun' is not known; say one of home,"),
        (["--purpose", "home", "--node", "a/b"], "node id 'a/b' cannot be part of a topic"),
        (["--purpose", "home", "--broker", "a:b:c"], "'a:b:c' is no broker"),
        (["--purpose", "home", "--broker", "mqtt://a"], "is no broker"),
        (["--purpose", "home", "--camera", "none", "--microphone", "none"], "nothing is left to read emotion from"),
        (["--purpose", "home", "--tls", "--ca-file", "/nonexistent.crt"], "mqtt.ca_file /nonexistent.crt"),
        (["--purpose", "home", "--username", "me", "--password-file", "/nonexistent"], "cannot read /nonexistent"),
    ],
)
def test_a_flag_that_cannot_be_is_one_line(
    config: Path, flags: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["setup", "--config", str(config), "--yes", "--skip-checks", *flags]) == 78
    stderr = capsys.readouterr().err
    assert stderr.count("\n") == 1
    assert said in stderr
    assert config.read_text() == OLD


def test_the_purpose_of_the_package_s_own_configuration_is_none(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text((ROOT / "deploy" / "affectd.toml").read_text())
    assert main(["setup", "--config", str(config), "--yes", "--skip-checks"]) == 78
    assert "--purpose is missing: why is the appliance there?" in capsys.readouterr().err


def test_an_old_configuration_with_a_mistake_is_named_rather_than_lost(config: Path) -> None:
    config.write_text("[mqtt]\nhots = 'a'\n")
    with pytest.raises(ConfigError, match="did you mean 'host'"):
        before(config)


def test_who_may_not_write_there_is_reported_before_anything_is_asked(config: Path) -> None:
    shutil.chown(config.parent, 65534)
    done = subprocess.run(
        [*without_root_s_rights(), sys.executable, "-m", "device", "setup", "--config", config],
        capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert "no permission to write to" in done.stderr


def setup_file(card: Path, text: str) -> Path:
    path = card / "affectd-setup.toml"
    path.write_text(text)
    return path


def test_a_file_on_the_card_sets_up_a_machine_without_a_screen(
    card: Path, config: Path, broker: Mosquitto, house: Path, camera: NetworkCamera
) -> None:
    shutil.copy(house / "ca.crt", card / "ca.crt")
    order = setup_file(
        card,
        f"""
        [node]
        id = "kitchen"
        purpose = "home"
        mode = "face"
        [camera]
        source = "{camera.address("face")}"
        [mqtt]
        host = "{HOST}"
        port = {broker.port}
        tls = true
        ca_file = "ca.crt"
        username = "kitchen"
        password = "s3cret"
        """,
    )
    done = affectd("setup", "--unattended", order, "--config", config)
    assert done.returncode == 0, done.stdout + done.stderr
    settings = load_settings(config)
    assert settings.mqtt.ca_file == str(config.parent / "ca.crt")
    assert (config.parent / "mqtt-password").read_text() == "s3cret\n"
    assert "s3cret" not in config.read_text()
    assert sorted(path.name for path in card.iterdir()) == [REPORT, "ca.crt"]
    report = (card / REPORT).read_text()
    assert "Done: " in report
    assert "face found: yes" in report
    assert "ok    broker publish" in report
    assert "secret" not in report + done.stdout


def test_a_broker_that_is_not_up_yet_is_reported_and_does_not_stop_the_setup(card: Path, config: Path) -> None:
    order = setup_file(
        card, f'[node]\npurpose = "home"\n[camera]\nsource = "/dev/video42"\n[mqtt]\nhost = "{HOST}"\nport = 1'
    )
    done = affectd("setup", "--unattended", order, "--config", config)
    assert done.returncode == DONE_WITH_FINDINGS
    assert load_settings(config).node.purpose == "home"
    report = (card / REPORT).read_text()
    assert "FAIL  camera" in report
    assert "FAIL  broker TCP" in report
    assert not order.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[node]\nid = 'a'", ["node.purpose = '' is not known; say one of home"]),
        ("[node]\npurpose = 'workplace'", ["at work is forbidden in the EU"]),
        ("[node]\npurpose = 'home'\nid = 'a/b'", ["node.id = 'a/b'"]),
        ("[node]\npurpose = 'home'\n[mqtt]\nhots = 'a'", ["did you mean 'host'?"]),
        ("[node]\npurpose = 'home'\n[mqtt]\npassword = 'x'", ["mqtt.username is missing"]),
        ("[node]\npurpose = 'home'\n[mqtt]\nusername = 'me'\npassword = 7", ["write the password in quotes"]),
        ("[node]\npurpose = 'home'\n[mqtt]\ntls = true\nca_file = 'ca.crt'", ["mqtt.ca_file = 'ca.crt': there is no"]),
        ("[node]\npurpose = 'home'\n[models]\nset = 'best'", ["models.set = 'best'"]),
        ("[node]\npurpose = 'school'\n[mqtt]\nport = 0\nca_file = 'x'", ["school", "port = 0", "'x'"]),
        ("[node]\npurpose = 'home'\n[log]\nlevel = 2026-01-01", ["log.level"]),
        ("[node]\npurpose = 'home'\nid = 2026-01-01", ["node.id"]),
        ("[node]\npurpose = 'home'\n[camera]\nrate_hz = nan", ["camera.rate_hz"]),
        ("[node]\npurpose = 'home'\n[mqtt.tls]\nca = 'x'", ["mqtt.tls"]),
        ("[[camera]]\nsource = 'pi'", ["expected a table [camera]"]),
        ("node = 1", ["node = 1: expected a table"]),
        ("mqtt = 1", ["mqtt = 1: expected a table"]),
        ("[node", ["not TOML"]),
        ("", ["node.purpose"]),
    ],
)
def test_each_mistake_in_the_file_is_named_on_the_card(card: Path, config: Path, text: str, said: list[str]) -> None:
    order = setup_file(card, text)
    assert main(["setup", "--unattended", str(order), "--config", str(config)]) == 78
    report = (card / REPORT).read_text()
    assert "NOT done, nothing was changed:" in report
    assert all(words in report for words in said)
    assert config.read_text() == OLD
    assert order.read_text() == text
    assert [path.name for path in config.parent.iterdir()] == ["affectd.toml"]


def test_a_file_that_could_not_be_removed_is_not_taken_at_each_start_anew(card: Path, config: Path) -> None:
    order = setup_file(card, "[node]\npurpose = 'home'\nmode = 'speech'\n[mqtt]\nport = 1\n")
    shutil.chown(card, 65534)
    command = [*without_root_s_rights(), sys.executable, "-m", "device", "setup", "--unattended", str(order)]
    done = subprocess.run([*command, "--config", config], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"no permission to write to {card}" in done.stderr
    assert config.read_text() == OLD


def test_a_file_that_is_no_text_or_is_not_there_is_named(card: Path, config: Path) -> None:
    (card / "affectd-setup.toml").write_bytes(b"\xff\xfe[\0n\0")
    with pytest.raises(ConfigError, match="not UTF-8 text at byte 0"):
        read_order(card / "affectd-setup.toml", config)
    with pytest.raises(ConfigError, match="cannot read the setup file"):
        read_order(card / "other.toml", config)


def test_a_file_from_notepad_begins_with_a_mark(card: Path, config: Path) -> None:
    order = card / "affectd-setup.toml"
    order.write_bytes(b"\xef\xbb\xbf[node]\r\npurpose = 'home'\r\nmode = 'speech'\r\n[mqtt]\r\nport = 1\r\n")
    assert affectd("setup", "--unattended", order, "--config", config).returncode == DONE_WITH_FINDINGS
    assert load_settings(config).node.mode == "speech"


needs_analyze = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze here")


@needs_analyze
def test_systemd_understands_the_unit_of_the_first_start(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/affectd/bin/affectd", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, env=os.environ, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_analyze
def test_the_unit_of_the_first_start_is_closed() -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=30", UNIT],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_the_example_of_a_setup_file_can_be_used_as_it_is(card: Path, config: Path) -> None:
    order = setup_file(card, EXAMPLE.read_text())
    draft = read_order(order, config).draft
    assert (draft.settings.node.purpose, draft.password) == ("home", "change me")
    assert draft.settings.mqtt.username == draft.settings.node.id, "one user a node, as the access list wants it"
