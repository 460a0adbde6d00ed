"""``affectd setup`` as a person meets it: in a terminal, with a camera, a microphone and a broker."""

import shutil
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from appliance import HAPPY_CLIP
from broker import HOST, Mosquitto, free_port, make_password_file
from terminal import Terminal, terminal
from virtual_hardware import NetworkCamera, VirtualMicrophone, has_pulseaudio, network_camera, virtual_microphone

from device.capture.container import sound_blocks
from device.config.settings_file import load_settings

pytestmark = pytest.mark.slow

OLD = '# by hand\n[node]\nid = "attic"\n[fusion]\nuncertain_below = 0.5\n'


@pytest.fixture(scope="module", autouse=True)
def _needs_setsid() -> None:
    if shutil.which("setsid") is None:
        pytest.skip("no setsid to give the program a terminal: apt install util-linux")


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    folder = tmp_path_factory.mktemp("broker")
    passwords = make_password_file(folder, "kitchen", "s3cret")
    with Mosquitto(folder, "allow_anonymous false", f"password_file {passwords}") as running:
        yield running


@pytest.fixture(scope="module")
def camera() -> Iterator[NetworkCamera]:
    with network_camera() as running:
        yield running


@pytest.fixture
def microphone(tmp_path: Path) -> Iterator[VirtualMicrophone]:
    if not has_pulseaudio():
        pytest.skip("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    folder = tmp_path / "sound"
    folder.mkdir()
    with virtual_microphone(folder) as virtual:
        yield virtual


def a_sentence_again_and_again(path: Path) -> Path:
    """Half a minute of one person in a room that is never quite silent."""
    speech = np.concatenate([block.samples for block in sound_blocks(HAPPY_CLIP, 30)])
    room = (np.random.default_rng(1).normal(size=24_000) * 20).astype(np.int16)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(np.concatenate([room, speech] * 10).tobytes())
    return path


def begin(screen: Terminal, node: str = "") -> None:
    screen.answer("Purpose, by number or name", "home")
    screen.answer("Name of this node", node)


def test_from_the_first_question_to_a_configuration_that_runs(
    tmp_path: Path, broker: Mosquitto, camera: NetworkCamera, microphone: VirtualMicrophone
) -> None:
    config = tmp_path / "affectd.toml"
    speech = a_sentence_again_and_again(tmp_path / "speech.wav")
    with (
        terminal("setup", "--config", config, environment=microphone.environment) as screen,
        microphone.playing(speech),
    ):
        begin(screen, "kitchen")
        screen.answer("MQTT broker", f"{HOST}:{broker.port}")
        screen.answer("Does it speak TLS?", "n")
        screen.answer("User name, or - for none", "kitchen")
        screen.answer("Password", "s3cret")
        screen.expect("✓ broker publish: a message on affectd/kitchen/status went there and came back")
        screen.answer("Camera, by number or name", camera.address("face"))
        screen.expect("face found: yes")
        screen.expect("2  affectd_mic")
        screen.answer("Microphone, by number or name", "2")
        screen.expect(" dBFS")
        screen.expect("voice heard: yes")
        screen.answer("Write it?", "")
        assert screen.ends() == 0
    assert "s3cret" not in screen.seen
    assert "user:secret" not in screen.seen.partition("face found")[2].partition("Microphone")[0]
    settings = load_settings(config)
    assert (settings.node.id, settings.node.purpose, settings.node.mode) == ("kitchen", "home", "both")
    assert (settings.camera.source, settings.microphone.name) == (camera.address("face"), "affectd_mic")
    assert "s3cret" not in config.read_text()
    assert (tmp_path / "mqtt-password").read_text() == "s3cret\n"
    assert (tmp_path / "mqtt-password").stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["affectd.toml", "mqtt-password", "sound", "speech.wav"]


def test_a_camera_on_its_head_is_turned_by_one_enter(
    tmp_path: Path, camera: NetworkCamera, microphone: VirtualMicrophone
) -> None:
    config = tmp_path / "affectd.toml"
    flags = ["--purpose", "home", "--node", "hall", "--microphone", "none", "--broker", f"{HOST}:1"]
    with terminal("setup", "--config", config, *flags, environment=microphone.environment) as screen:
        screen.answer("Next step, by number or name", "keep")
        screen.answer("Camera, by number or name", camera.address("head"))
        screen.expect("there is one if the picture is turned by 180°")
        screen.answer("Next step, by number or name (turn)", "")
        screen.expect("face found: yes")
        screen.answer("Write it?", "")
        assert screen.ends() == 0
    assert load_settings(config).camera.turn == 180


def test_nonsense_is_asked_again_and_what_was_there_is_the_default(tmp_path: Path, broker: Mosquitto) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text(OLD)
    with terminal("setup", "--config", config, "--camera", "none") as screen:
        screen.answer("Purpose, by number or name", "99")
        screen.expect("'99' is none of them")
        screen.answer("Purpose, by number or name", "fun")
        screen.expect("'fun' is none of them")
        screen.answer("Purpose, by number or name", "1")
        screen.answer("Name of this node (attic)", "a/b")
        screen.expect("cannot be part of a topic")
        screen.answer("Name of this node (attic)", "")
        screen.answer("MQTT broker", "a:b:c")
        screen.expect("'a:b:c' is no broker")
        screen.answer("MQTT broker", f"{HOST}:{broker.port}")
        screen.answer("Does it speak TLS?", "perhaps")
        screen.answer("Does it speak TLS?", "y")
        screen.answer("CA file", "/nonexistent.crt")
        screen.expect("mqtt.ca_file /nonexistent.crt")
        screen.answer("CA file", "-")
        screen.answer("User name", "")
        screen.expect("✗ broker TLS")
        screen.answer("Next step, by number or name", "nothing")
        screen.answer("Next step, by number or name", "keep")
        screen.answer("Microphone, by number or name", "none of that kind")
        screen.expect("✗ microphone: microphone 'none of that kind' is not there")
        screen.answer("Next step, by number or name", "keep")
        screen.answer("Write it?", "y")
        assert screen.ends() == 0
    settings = load_settings(config)
    assert (settings.node.id, settings.fusion.uncertain_below, settings.node.mode) == ("attic", 0.5, "speech")
    assert settings.mqtt.tls
    assert (tmp_path / "affectd.toml.old").read_text() == OLD


def test_no_camera_is_not_taken_for_none_by_enter(tmp_path: Path) -> None:
    config = tmp_path / "affectd.toml"
    if list(Path("/dev").glob("video*")):
        pytest.skip("there is a camera")
    with terminal("setup", "--config", config, "--broker", f"{HOST}:{free_port()}", "--microphone", "none") as screen:
        begin(screen)
        screen.answer("Next step, by number or name", "keep")  # there is no broker
        for _ in range(2):
            screen.expect("No camera is found.")
            screen.answer("Camera, by number or name (again)", "")
        screen.answer("Camera, by number or name (again)", "pi")
        screen.expect("✗ camera")
        screen.answer("Next step, by number or name", "keep")
        screen.answer("Write it?", "")
        assert screen.ends() == 0
    settings = load_settings(config)
    assert (settings.node.mode, settings.camera.source) == ("face", "pi")


def test_voices_only_has_to_be_reported(tmp_path: Path) -> None:
    config = tmp_path / "affectd.toml"
    if list(Path("/dev").glob("video*")):
        pytest.skip("there is a camera")
    flags = ["--purpose", "home", "--node", "hall", "--broker", f"{HOST}:{free_port()}"]
    with terminal("setup", "--config", config, *flags, "--microphone", "not there") as screen:
        screen.answer("Next step, by number or name", "keep")  # there is no broker
        screen.answer("Camera, by number or name (again)", "none")
        screen.answer("Next step, by number or name", "keep")  # nor a microphone
        screen.answer("Write it?", "")
        assert screen.ends() == 0
    assert load_settings(config).node.mode == "speech"


def test_a_fault_of_the_broker_can_be_mended_and_tried_again(tmp_path: Path, broker: Mosquitto) -> None:
    config = tmp_path / "affectd.toml"
    with terminal("setup", "--config", config, "--camera", "none") as screen:
        begin(screen)
        screen.answer("MQTT broker", f"{HOST}:{free_port()}")
        screen.answer("Does it speak TLS?", "n")
        screen.answer("User name", "")
        screen.expect("✗ broker TCP")
        screen.answer("Next step, by number or name", "change")
        screen.answer("MQTT broker", f"{HOST}:{broker.port}")
        screen.answer("Does it speak TLS?", "n")
        screen.answer("User name", "kitchen")
        screen.answer("Password", "wrong")
        screen.expect("✗ broker login")
        screen.answer("Next step, by number or name", "again")
        screen.expect("✗ broker login")
        assert screen.interrupted() == 130
    assert not config.exists()


def test_a_forbidden_purpose_ends_it_with_the_reason(tmp_path: Path) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text(OLD)
    with terminal("setup", "--config", config) as screen:
        screen.answer("Purpose, by number or name", "workplace")
        assert screen.ends() == 78
    assert "forbidden in the EU, save for medical or safety reasons (AI Act, Article 5(1)(f))" in screen.seen
    assert config.read_text() == OLD


@pytest.mark.parametrize("question", ["Purpose, by number or name", "Name of this node", "Password"])
def test_ctrl_c_leaves_everything_as_it_was(tmp_path: Path, question: str) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text(OLD)
    with terminal("setup", "--config", config) as screen:
        if question != "Purpose, by number or name":
            screen.answer("Purpose, by number or name", "1")
        if question == "Password":
            for asked, answer in [("Name of", ""), ("MQTT broker", ""), ("TLS", "n"), ("User name", "me")]:
                screen.answer(asked, answer)
        screen.expect(question)
        assert screen.interrupted() == 130
    assert "nothing was changed" in screen.seen
    assert "Traceback" not in screen.seen
    assert config.read_text() == OLD
    assert [path.name for path in tmp_path.iterdir()] == ["affectd.toml"]


def test_who_states_no_at_the_end_keeps_the_old_one(tmp_path: Path, broker: Mosquitto) -> None:
    config = tmp_path / "affectd.toml"
    config.write_text(OLD)
    flags = ["--purpose", "home", "--node", "hall", "--broker", f"{HOST}:{broker.port}", "--camera", "none"]
    with terminal("setup", "--config", config, *flags, "--microphone", "not there") as screen:
        screen.answer("Next step", "keep")
        screen.answer("Next step", "keep")
        screen.answer("Write it?", "n")
        assert screen.ends() == 1
    assert config.read_text() == OLD
