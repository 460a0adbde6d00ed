"""A network camera and a microphone made of real parts: an HTTP server that sends JPEGs, and PulseAudio's null sink.

Run as a program, this is the camera: it prints its port and serves /play (pictures without end), /stall (thirty, then
silence), /spoilt (parts that are no JPEG), /torn (of three parts one breaks off and one is none), /face (somebody who
looks into it) and /head (the same, on its head).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
from fakes import eventually
from processes import line, started

PORTRAIT = Path(__file__).resolve().parents[1] / "deploy" / "demo" / "astronaut.png"
CAMERA_RATE_HZ = 20
CAMERA_SIZE_PX = (64, 48)
STALLS_AFTER = 30


@dataclass
class NetworkCamera:
    """A camera in a process of its own."""

    process: subprocess.Popen[str]
    port: int

    def address(self, path: str = "play") -> str:
        return f"http://user:secret@127.0.0.1:{self.port}/{path}"

    def unplug(self) -> None:
        self.process.kill()
        self.process.wait(10)


@contextmanager
def network_camera() -> Iterator[NetworkCamera]:
    with started([sys.executable, __file__], stdout=subprocess.PIPE, text=True) as process:
        yield NetworkCamera(process, int(line(process)))


@dataclass
class VirtualMicrophone:
    """A sound daemon whose only microphone hears what is played into it."""

    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def play(self, wav: Path) -> None:
        """Say the whole of a file."""
        patient = {**self.environment, "PULSE_LATENCY_MSEC": "500"}
        subprocess.run(["paplay", str(wav)], env=patient, check=True, timeout=60)

    @contextmanager
    def playing(self, wav: Path) -> Iterator[None]:
        """A file is heard meanwhile."""
        with started(["paplay", wav], env=self.environment):
            yield

    def unplug(self) -> None:
        self.process.kill()
        self.process.wait(10)


def has_pulseaudio() -> bool:
    plugin = list(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))
    return bool(plugin and shutil.which("pulseaudio") and shutil.which("paplay"))


@contextmanager
def virtual_microphone(folder: Path) -> Iterator[VirtualMicrophone]:
    """PulseAudio with nothing of the machine's or the user's, and ALSA with it as the devices of ``asoundrc``."""
    socket, asoundrc = folder / "socket", folder / "asoundrc"
    asoundrc.write_text(
        "</usr/share/alsa/alsa.conf>\n"
        + "".join(
            f'pcm.{name} {{ type pulse server "unix:{socket}" device sink.monitor hint {{ show on description x }} }}\n'
            for name in ("affectd_mic", "affectd_second")
        )
    )
    modules = [
        "module-null-sink sink_name=sink rate=16000 channels=1 format=s16le",
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
    ]
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_RUNTIME_DIR": str(folder),
        "PULSE_SERVER": f"unix:{socket}",
        "ALSA_CONFIG_PATH": str(asoundrc),
        "PULSE_LATENCY_MSEC": "30",
    }
    command = ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=false", "--log-level=error"]
    loads = [word for module in modules for word in ("-L", module)]
    with started([*command, *loads], env=environment, stderr=subprocess.DEVNULL) as process:
        eventually(lambda: _answers(environment))
        yield VirtualMicrophone(process, environment)


def _answers(environment: dict[str, str]) -> bool:
    return subprocess.run(["pactl", "info"], env=environment, capture_output=True, timeout=10).returncode == 0


class _Camera(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=picture")
        self.end_headers()
        pause = threading.Event()
        try:
            for number in range(1_000_000):
                if self.path == "/stall" and number == STALLS_AFTER:
                    pause.wait(60)
                parts = _PARTS.get(self.path, [_picture])
                self._send(parts[number % len(parts)]())
                pause.wait(1 / CAMERA_RATE_HZ)
        except OSError:
            return

    def _send(self, part: bytes) -> None:
        head = f"--picture\r\nContent-Type: image/jpeg\r\nContent-Length: {len(part)}\r\n\r\n"
        self.wfile.write(head.encode() + part + b"\r\n")

    def log_message(self, *_: object) -> None:
        pass


def _picture() -> bytes:
    """Black on the left, white on the right."""
    width, height = CAMERA_SIZE_PX
    picture = np.zeros((height, width), dtype=np.uint8)
    picture[:, width // 2 :] = 255
    return bytes(cv2.imencode(".jpg", picture)[1])


def _face(turn: int | None = None) -> bytes:
    portrait = cv2.imread(str(PORTRAIT))
    assert portrait is not None
    return bytes(cv2.imencode(".jpg", portrait if turn is None else cv2.rotate(portrait, turn))[1])


def _no_picture() -> bytes:
    return b"not a JPEG"


_PARTS: dict[str, list[Callable[[], bytes]]] = {
    "/spoilt": [_no_picture],
    "/torn": [_picture, lambda: _picture()[:300], _no_picture],
    "/face": [_face],
    "/head": [lambda: _face(cv2.ROTATE_180)],
}


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Camera)
    print(server.server_port, flush=True)
    server.serve_forever()
