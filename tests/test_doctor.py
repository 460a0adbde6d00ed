"""The doctor names each planted fault, with its remedy."""

import json
import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from appliance import ROOT, affectd, write_config
from broker import HOST, Mosquitto, make_certificates, make_password_file
from faults import (
    NOBODY,
    command,
    full_disk,
    module_of_another_numpy,
    stand_ins,
    without_root_s_rights,
)
from processes import started
from virtual_usb_camera import usb_camera

pytestmark = pytest.mark.slow

NOTHING_TO_SENSE = {"media": [str(ROOT / "deploy" / "demo" / "astronaut.png")]}

NO_BROKER = {"host": HOST, "port": 1}

PICAMERA2_BUSY = """
class Picamera2:
    def __init__(self, camera_num):
        try:
            raise RuntimeError("Failed to acquire camera: Device or resource busy")
        except RuntimeError as error:
            raise RuntimeError("Camera __init__ sequence did not complete.") from error
    @classmethod
    def global_camera_info(cls):
        return [{"Num": 0, "Model": "imx708", "Id": "/base/soc/i2c0mux/i2c@1/imx708@1a"}]
"""


def faults(done: subprocess.CompletedProcess[str]) -> dict[str, str]:
    """What the doctor says needs attention, by its subject."""
    assert "Traceback" not in done.stderr + done.stdout
    lines = [line[6:] for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert done.returncode == (1 if lines else 0)
    return {line[:16].strip(): line[16:] for line in lines}


def doctor(folder: Path, environment: Mapping[str, str] | None = None, **tables: Mapping[str, Any]) -> dict[str, str]:
    tables = {"replay": NOTHING_TO_SENSE, "mqtt": NO_BROKER, **tables}
    return faults(affectd("doctor", "--config", write_config(folder, **tables), environment=environment))


def test_a_library_that_was_built_for_another_numpy_is_named(tmp_path: Path) -> None:
    found = doctor(tmp_path, module_of_another_numpy(tmp_path, "cv2"))
    assert found.keys() == {"libraries"}
    assert "cv2 was built for another NumPy" in found["libraries"]
    assert "python3-opencv" in found["libraries"]


def test_a_library_that_is_missing_is_named(tmp_path: Path) -> None:
    (tmp_path / "soxr.py").write_text("raise ModuleNotFoundError(\"No module named 'soxr'\")")
    found = doctor(tmp_path, {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])})
    assert "soxr cannot be used (No module named 'soxr'); install affectd again" in found["libraries"]


def test_no_camera_and_no_microphone_are_named(tmp_path: Path) -> None:
    found = doctor(tmp_path, replay={}, camera={"source": "/dev/video42"}, microphone={"name": "the other one"})
    assert "/dev/video42: there is no such device; cameras found: " in found["camera"]
    assert "plug it in" in found["camera"]
    assert "microphone 'the other one' is not there; found: " in found["microphone"]
    assert "plug it in" in found["microphone"]


@pytest.mark.parametrize("pixel_format", ["MJPG", "YUYV"])
def test_of_a_usb_camera_that_works_its_picture_is_described(tmp_path: Path, pixel_format: str) -> None:
    grey = np.full((480, 640), 125, dtype=np.uint8)
    picture = jpeg(grey) if pixel_format == "MJPG" else cv2.merge([grey, grey]).tobytes()
    camera = usb_camera(tmp_path, pixel_format, (640, 480), [picture])
    config = write_config(
        tmp_path, replay={}, node={"mode": "face"}, camera={"source": str(camera.device)}, mqtt=NO_BROKER
    )
    told = affectd("doctor", "--config", config, environment=camera.environment).stdout
    brightness = {"MJPG": 125, "YUYV": 127}[pixel_format]  # of video's 16…235
    assert f"640×480, mean brightness {brightness} of 255" in told


def test_a_usb_camera_of_which_nothing_comes_whole_is_named(tmp_path: Path) -> None:
    camera = usb_camera(tmp_path, "MJPG", (640, 480), [jpeg(np.zeros((480, 640), dtype=np.uint8))[:-2]])
    found = doctor(
        tmp_path, camera.environment, replay={}, node={"mode": "face"}, camera={"source": str(camera.device)}
    )
    assert "all its pictures have come damaged" in found["camera"]


def jpeg(picture: np.ndarray[Any, Any]) -> bytes:
    return bytes(cv2.imencode(".jpg", picture)[1])


def test_a_pi_camera_without_its_library_is_named(tmp_path: Path) -> None:
    found = doctor(tmp_path, {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}, replay={}, node={"mode": "face"})
    assert "picamera2" in found["camera"]
    assert "apt install" in found["camera"]


def test_a_camera_that_streams_to_somebody_else_is_named(tmp_path: Path) -> None:
    camera = tmp_path / "video9"
    camera.touch()
    found = doctor(
        tmp_path, stand_ins(tmp_path, AFFECTD_CAMERA="busy"),
        replay={}, node={"mode": "face"}, camera={"source": str(camera)},
    )  # fmt: skip
    assert f"{camera} is in use by another program; end it" in found["camera"]


def test_whoever_holds_the_camera_is_named_where_that_may_be_seen(tmp_path: Path) -> None:
    camera = tmp_path / "video9"
    with camera.open("wb") as held, started(["sleep", "60"], stdout=held) as holder:
        held.close()
        found = doctor(tmp_path, replay={}, node={"mode": "face"}, camera={"source": str(camera)})
    assert f"{camera} is in use by sleep (process {holder.pid}); end it" in found["camera"]


def test_a_camera_that_the_appliance_itself_has_is_no_fault(tmp_path: Path) -> None:
    camera, appliance = tmp_path / "video9", tmp_path / "affectd"
    shutil.copy(shutil.which("sleep") or "", appliance)
    with camera.open("wb") as held, started([appliance, "60"], stdout=held):
        held.close()
        found = doctor(tmp_path, replay={}, node={"mode": "face"}, camera={"source": str(camera)})
    assert "camera" not in found


def test_a_pi_camera_in_use_is_named(tmp_path: Path) -> None:
    (tmp_path / "picamera2.py").write_text(PICAMERA2_BUSY)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    found = doctor(tmp_path, {"PYTHONPATH": path}, replay={}, node={"mode": "face"})
    assert "Device or resource busy; end the program that uses it" in found["camera"]


def test_a_lack_of_permission_is_named_with_the_group_that_helps(tmp_path: Path) -> None:
    somebody_elses = tmp_path / "state"
    somebody_elses.mkdir()
    camera = somebody_elses / "video9"
    camera.touch()
    camera.chmod(0o660)
    shutil.chown(camera, NOBODY, "video")
    shutil.chown(somebody_elses, NOBODY)
    node = {"mode": "face", "state_dir": str(somebody_elses)}
    config = write_config(tmp_path, node=node, camera={"source": str(camera)}, mqtt=NO_BROKER)
    done = subprocess.run(
        [*without_root_s_rights(), sys.executable, "-m", "device", "doctor", "--config", config],
        env={**os.environ, "SUDO_USER": "pi"}, capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    found = faults(done)
    assert f"no permission to use {camera}" in found["camera"]
    assert "sudo usermod -aG video root," in found["camera"]
    assert f"no permission to write to {somebody_elses}" in found["state folder"]


NOBODYS_NAME = pwd.getpwuid(NOBODY).pw_name


def as_a_service(folder: Path, state: Path, user: str) -> dict[str, str]:
    """systemd's answer about a unit that keeps its state there. (An absolute path stands as it is.)"""
    return command(folder, "systemctl", f"LoadState=loaded\nUser={user}\nStateDirectory={state}")


def state_folder(done: subprocess.CompletedProcess[str]) -> str:
    (line,) = (line for line in done.stdout.splitlines() if line[6:].startswith("state folder"))
    return line


def test_the_folder_is_the_services_own_whoever_asks(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    told = state_folder(affectd("doctor", environment=as_a_service(tmp_path / "bin", state, "root")))
    assert told.startswith("ok")
    assert f"{state}, " in told


@pytest.mark.skipif(os.geteuid() != 0, reason="of another user's rights only root can ask")
def test_root_asks_for_the_service_and_not_for_itself(tmp_path: Path) -> None:
    roots_own = Path("/var/lib")
    told = state_folder(affectd("doctor", environment=as_a_service(tmp_path / "bin", roots_own, NOBODYS_NAME)))
    assert told.startswith("FAIL")
    assert f"it is the service's: sudo chown -R {NOBODYS_NAME}: {roots_own}" in told


def test_what_systemd_makes_at_the_first_start_is_not_missed_before(tmp_path: Path) -> None:
    told = state_folder(affectd("doctor", environment=as_a_service(tmp_path / "bin", tmp_path / "later", NOBODYS_NAME)))
    assert told.startswith("ok")


def test_a_broker_that_is_down_is_named(tmp_path: Path) -> None:
    found = doctor(tmp_path)
    assert "127.0.0.1:1: the machine is there, but nothing listens" in found["broker TCP"]
    assert "start the broker" in found["broker TCP"]


@pytest.fixture(scope="module")
def locked_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """TLS by the house's own authority, passwords, and an access list by which each node owns its own prefix.

    It is given as the settings that it lets in, but for the password.
    """
    folder = tmp_path_factory.mktemp("broker")
    make_certificates(folder)
    passwords = make_password_file(folder, "kitchen", "s3cret")
    access = folder / "acl"
    access.write_text("pattern readwrite affectd/%u/#\n")
    tls = [f"cafile {folder}/ca.crt", f"certfile {folder}/broker.crt", f"keyfile {folder}/broker.key"]
    locks = ["allow_anonymous false", f"password_file {passwords}", f"acl_file {access}"]
    with Mosquitto(folder, *tls, *locks) as broker:
        authority = str(folder / "ca.crt")
        yield {"host": HOST, "port": broker.port, "username": "kitchen", "tls": True, "ca_file": authority}


def with_password(settings: dict[str, Any], folder: Path, password: str = "s3cret") -> dict[str, Any]:
    (folder / "password").write_text(password)
    return {**settings, "password_file": str(folder / "password")}


def test_a_broker_that_takes_our_messages_has_no_fault(tmp_path: Path, locked_broker: dict[str, Any]) -> None:
    found = doctor(tmp_path, node={"id": "kitchen"}, mqtt=with_password(locked_broker, tmp_path))
    assert not [subject for subject in found if subject.startswith("broker")]


def test_a_certificate_of_an_unknown_authority_is_named(tmp_path: Path, locked_broker: dict[str, Any]) -> None:
    found = doctor(tmp_path, mqtt={**with_password(locked_broker, tmp_path), "ca_file": ""})
    assert "name it in mqtt.ca_file" in found["broker TLS"]


def test_a_bad_password_is_named(tmp_path: Path, locked_broker: dict[str, Any]) -> None:
    found = doctor(tmp_path, mqtt=with_password(locked_broker, tmp_path, "wrong"))
    assert "check user name, password" in found["broker login"]
    assert "'kitchen'" in found["broker login"]


def test_an_access_list_that_forbids_is_named_with_the_rule_it_needs(
    tmp_path: Path, locked_broker: dict[str, Any]
) -> None:
    found = doctor(tmp_path, node={"id": "cellar"}, mqtt=with_password(locked_broker, tmp_path))
    assert "must let user 'kitchen' read and write affectd/cellar/#" in found["broker publish"]


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with full_disk(tmp_path / "full") as folder:
        found = doctor(tmp_path, node={"state_dir": str(folder)})
    assert "the disk is full: 0 MB are free" in found["state folder"]
    assert "journalctl --vacuum-size" in found["state folder"]


def test_an_altered_model_is_named(tmp_path: Path) -> None:
    models = shutil.copytree(ROOT / "models_tflite", tmp_path / "models")
    face = models / "affectd-1-face.tflite"
    content = bytearray(face.read_bytes())
    content[-1] ^= 1
    face.write_bytes(content)
    found = doctor(tmp_path, models={"dir": str(models)})
    assert str(face) in found["models"]
    assert "altered; install it again" in found["models"]


def test_undervoltage_is_named(tmp_path: Path) -> None:
    found = doctor(tmp_path, command(tmp_path / "bin", "vcgencmd", "throttled=0x50000"))
    assert "voltage was since the start too low; use the official 5.1 V, 3 A supply" in found["power"]


def test_a_clock_that_nobody_has_set_is_named(tmp_path: Path) -> None:
    found = doctor(tmp_path, stand_ins(tmp_path, AFFECTD_CLOCK="unset"))
    assert "timedatectl set-ntp true" in found["clock"]


def test_a_configuration_with_a_mistake_is_named_and_ends_the_examination(tmp_path: Path) -> None:
    found = doctor(tmp_path, mqtt={"hots": json.dumps("a")})
    assert found.keys() == {"configuration"}
    assert "did you mean 'host'?" in found["configuration"]
