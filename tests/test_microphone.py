import json
import math
import os
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fakes import eventually
from numpy.typing import NDArray
from processes import line, started
from virtual_hardware import VirtualMicrophone, has_pulseaudio, virtual_microphone

from device.capture.choose import choose_device
from device.capture.microphone import Microphone, list_microphones
from device.errors import SourceLost, SourceUnavailable

pytestmark = pytest.mark.slow

LISTENER = Path(__file__).with_name("listen.py")


class Listener:
    """``listen.py`` beside the test: PortAudio reads the machine's devices once a process."""

    def __init__(self, hardware: VirtualMicrophone, name: str, out: Path, seconds: float = 60) -> None:
        environment = {**hardware.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, str(LISTENER), name, str(seconds), str(out)]
        quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        self._running = ExitStack()
        self.process = self._running.enter_context(started(command, env=environment, **quiet))

    def says(self) -> str:
        return line(self.process).strip()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *exc: object) -> None:
        self._running.close()


@pytest.fixture
def hardware(tmp_path: Path) -> Iterator[VirtualMicrophone]:
    if not has_pulseaudio():
        pytest.skip("no virtual microphone: apt install pulseaudio pulseaudio-utils libasound2-plugins")
    with virtual_microphone(tmp_path) as virtual:
        yield virtual


def noise(seconds: float) -> NDArray[np.int16]:
    return (np.random.default_rng(4).normal(size=round(seconds * 16_000)) * 3_000).astype(np.int16)


def write_wav(path: Path, sound: NDArray[np.int16]) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(sound.tobytes())
    return path


def best_match(piece: NDArray[np.int16], recording: NDArray[np.int16]) -> tuple[int, float]:
    """Where in the recording a piece is heard best, and the correlation there."""
    size = len(piece) + len(recording)
    spectrum = np.fft.rfft(recording, size) * np.conj(np.fft.rfft(piece, size))
    place = int(np.fft.irfft(spectrum, size)[: len(recording) - len(piece)].argmax())
    pair = np.stack([recording[place : place + len(piece)], piece]).astype(np.float64)
    loudness = float(np.linalg.norm(pair, axis=1).prod())
    return place, float(pair[0] @ pair[1]) / (loudness or 1.0)


def test_what_is_played_is_what_is_received_counted_in_samples(hardware: VirtualMicrophone, tmp_path: Path) -> None:
    sound = noise(1.0)
    wav = write_wav(tmp_path / "sound.wav", np.concatenate([np.zeros(8_000, dtype=np.int16), sound]))
    with Listener(hardware, "affectd_mic", tmp_path / "out.npz", seconds=3.0) as listener:
        assert listener.says() == "listening"
        hardware.play(wav)
        assert listener.says() == "done"
    heard = np.load(tmp_path / "out.npz")
    matches = [best_match(piece, heard["samples"]) for piece in np.split(sound, 10)]
    # A busy machine may make the player stumble once; nothing else sounds like this noise.
    places = [place - number * 1_600 for number, (place, likeness) in enumerate(matches) if likeness > 0.98]
    assert len(places) >= 8
    assert max(places) - min(places) < 1_600
    counted_s = (heard["first_sample"][-1] - heard["first_sample"][0]) / 16_000
    dated_s = (heard["captured_ns"][-1] - heard["captured_ns"][0]) / 1e9
    assert dated_s == pytest.approx(counted_s, abs=0.1)
    assert (heard["arrived_ns"] > heard["captured_ns"]).all()
    assert {"affectd_mic", "affectd_second"} <= set(heard["listed"].tolist())


def test_digital_silence_is_distinguished_from_a_quiet_room(hardware: VirtualMicrophone, tmp_path: Path) -> None:
    with Listener(hardware, "affectd_mic", tmp_path / "out.npz", seconds=0.5) as listener:
        assert [listener.says(), listener.says()] == ["listening", "done"]
    assert np.load(tmp_path / "out.npz")["silent_s"] > 0.4


def test_a_microphone_whose_daemon_dies_is_lost_in_bounded_time(hardware: VirtualMicrophone, tmp_path: Path) -> None:
    with Listener(hardware, "affectd_mic", tmp_path / "out.npz") as listener:
        assert listener.says() == "listening"
        hardware.unplug()
        unplugged_ns = time.monotonic_ns()
        assert listener.says().startswith("SourceLost: microphone 'affectd_mic': no sound for")
    assert time.monotonic_ns() - unplugged_ns < 15e9


def test_an_ambiguous_or_absent_microphone_is_named_with_those_that_fit(
    hardware: VirtualMicrophone, tmp_path: Path
) -> None:
    for name, answer in [
        ("affectd", "'affectd' could be any of 'affectd_mic', 'affectd_second'; use a longer part of its name"),
        ("Blue Yeti", "'Blue Yeti' is not there; found: 'affectd_mic', 'affectd_second'"),
    ]:
        with Listener(hardware, name, tmp_path / "out.npz") as listener:
            assert listener.says().startswith(f"SourceUnavailable: microphone {answer}")


class PortAudioError(Exception):
    pass


class SoundCard:
    """The calls of sounddevice that the source makes, for a card that has one rate or count of channels only."""

    PortAudioError = PortAudioError

    def __init__(self, *names: str, rate_hz: float = 16_000, channels: int = 1, default: int = 0) -> None:
        self._names, self._rate_hz, self._channels = names, rate_hz, channels
        self.default = SimpleNamespace(device=(default, -1))
        self.restarts = 0
        self.stream: Any = None

    def _terminate(self) -> None:
        self.restarts -= 1

    def _initialize(self) -> None:
        self.restarts += 2

    def query_devices(self, index: int | None = None) -> Any:
        devices = [
            {"index": i, "name": name, "max_input_channels": self._channels, "default_samplerate": self._rate_hz}
            for i, name in enumerate(self._names)
        ]
        speaker = {"index": len(devices), "name": "Speaker", "max_input_channels": 0, "default_samplerate": 48_000.0}
        return [*devices, speaker] if index is None else devices[index]

    def InputStream(self, **options: Any) -> Any:  # noqa: N802 - sounddevice's name
        if (options["samplerate"], options["channels"]) != (self._rate_hz, self._channels):
            raise PortAudioError("Invalid sample rate [PaErrorCode -9997]")
        self.callback = options["callback"]
        ignore = lambda: None  # noqa: E731
        self.stream = SimpleNamespace(samplerate=options["samplerate"], active=True, start=ignore, close=ignore)
        return self.stream

    def hear(self, sound: NDArray[np.int16], *, overflow: bool = False) -> None:
        """One callback; ``sound`` is (samples, channels)."""
        self.callback(sound, len(sound), None, SimpleNamespace(input_overflow=overflow))


def test_a_card_with_48_khz_stereo_only_is_brought_to_16_khz_mono() -> None:
    card = SoundCard("USB Codec", rate_hz=48_000, channels=2)
    moments_s = np.arange(4_800) / 48_000
    left = (np.sin(2 * np.pi * 440 * moments_s) * 16_000).astype(np.int16)
    with Microphone(driver=card) as microphone:
        card.hear(np.stack([left, np.zeros_like(left)], axis=1))
        blocks = [block for _, block in zip(range(3), microphone, strict=False)]
    heard = np.concatenate([block.samples for block in blocks])
    expected = np.sin(2 * np.pi * 440 * np.arange(len(heard)) / 16_000) * 8_000
    assert np.abs(heard - expected)[100:].max() < 3
    assert [block.first_sample for block in blocks] == [0, 480, 960]


def test_an_overflow_of_the_driver_is_a_gap_and_is_counted() -> None:
    card = SoundCard("USB Codec")
    with Microphone(driver=card) as microphone:
        card.hear(np.ones((480, 1), dtype=np.int16))
        card.hear(np.ones((480, 1), dtype=np.int16), overflow=True)
        first, second = (block for _, block in zip(range(2), microphone, strict=False))
        assert microphone.dropped == 1
    assert second.first_sample > first.end_sample


def test_sound_that_nobody_takes_is_dropped_oldest_first_and_leaves_a_gap() -> None:
    card = SoundCard("USB Codec")
    with Microphone(driver=card) as microphone:
        for _ in range(math.ceil(2000 / 30) + 5):
            card.hear(np.ones((480, 1), dtype=np.int16))
        assert microphone.dropped == 5
        assert next(iter(microphone)).first_sample == 5 * 480


def test_silence_is_counted_and_ends_with_the_first_sound() -> None:
    card = SoundCard("USB Codec")
    with Microphone(driver=card) as microphone:
        blocks = iter(microphone)
        for loudness, silent_s in [(0, 0.03), (0, 0.06), (1, 0.0), (0, 0.03)]:
            card.hear(np.full((480, 1), loudness, dtype=np.int16))
            next(blocks)
            assert microphone.silent_s == pytest.approx(silent_s)


def test_a_card_that_reports_nothing_any_more_is_lost() -> None:
    card = SoundCard("USB Codec")
    with Microphone(driver=card, lost_after_s=0.1) as microphone, pytest.raises(SourceLost, match="'USB Codec': no so"):
        list(microphone)


def test_a_stream_that_ended_by_itself_is_lost_at_once() -> None:
    card = SoundCard("USB Codec")
    with Microphone(driver=card, lost_after_s=60) as microphone:
        card.stream.active = False
        with pytest.raises(SourceLost, match="check that it is plugged in"):
            list(microphone)


def test_close_from_another_thread_ends_the_iteration() -> None:
    card = SoundCard("USB Codec")
    seen: list[object] = []
    with Microphone(driver=card, lost_after_s=60) as microphone:
        reader = threading.Thread(target=lambda: seen.extend(microphone))
        reader.start()
        card.hear(np.ones((480, 1), dtype=np.int16))
        eventually(lambda: bool(seen))
        microphone.close()
        reader.join(5)
    assert not reader.is_alive()


def test_the_list_of_devices_is_read_anew_each_time_a_microphone_is_opened() -> None:
    card = SoundCard("USB Codec")
    for _ in range(2):
        with Microphone(name="codec", driver=card) as microphone:
            assert microphone.device_name == "USB Codec"
    assert card.restarts == 2


def test_a_card_that_cannot_be_opened_and_a_system_without_one_are_reported_in_words() -> None:
    busy = SoundCard("USB Codec", channels=8)
    with pytest.raises(SourceUnavailable, match=r"'USB Codec': it cannot be opened .*end the program that uses it"):
        Microphone(driver=busy).__enter__()
    with pytest.raises(SourceUnavailable, match="no default one; found: none"):
        Microphone(driver=SoundCard(default=-1)).__enter__()


def test_listed_names_have_a_card_number_only_where_they_need_one() -> None:
    names = ["Yeti: USB Audio (hw:1,0)", "Codec: USB (hw:2,0)", "Codec: USB (hw:3,0)", "default"]
    listed = list_microphones(SoundCard(*names))
    assert listed == ["Yeti: USB Audio", "Codec: USB (hw:2,0)", "Codec: USB (hw:3,0)", "default"]
    assert [choose_device("microphone", name, names) for name in listed] == [0, 1, 2, 3]


def test_a_full_name_is_not_ambiguous_because_it_is_part_of_another() -> None:
    assert choose_device("microphone", "PULSE", ["pulse monitor", "pulse"]) == 1


def test_without_portaudio_the_remedy_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    program = (
        "import json; from device.capture.microphone import Microphone, list_microphones\n"
        "from device.errors import SourceUnavailable\n"
        "try: Microphone().__enter__()\n"
        "except SourceUnavailable as error: print(json.dumps([str(error), list_microphones()]))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    answer = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    message, listed = json.loads(answer.stdout)
    assert "PortAudio library not found" in message
    assert "apt install libportaudio2" in message
    assert listed == []
