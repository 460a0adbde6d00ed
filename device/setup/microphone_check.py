"""Microphone check: how loud it is, and whether there is a voice. Nothing is kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from device.capture.microphone import Microphone
from device.errors import SourceUnavailable
from device.features.hum import HumFilter
from device.features.voice_activity import VoiceActivityDetector
from device.setup.access import forbidden
from device.signals import SAMPLE_RATE_HZ, AudioBlock

SILENCE_DBFS = -96.0
"""Below the quietest sample of 16 bits, 1 of 32768: -90 dBFS."""
CLIPPED_DBFS = -0.1


@dataclass(frozen=True, slots=True)
class Level:
    """Level so far: of the last block and of the loudest, dB of full scale, and whether a voice."""

    now_dbfs: float
    loudest_dbfs: float
    voice: bool

    @property
    def mute(self) -> bool:
        """Nothing but zeros, which no room gives."""
        return self.loudest_dbfs <= SILENCE_DBFS

    def __str__(self) -> str:
        if self.mute:
            return "only zeros so far: is it muted?"
        clipped = ", too loud at times: turn it down" if self.loudest_dbfs > CLIPPED_DBFS else ""
        return f"loudest {self.loudest_dbfs:.0f} dBFS{clipped}"


def listen_to(name: str, seconds: float) -> Iterator[Level]:
    """A level a block of 30 ms, until a voice is heard or the time is over.

    Raises ``SourceUnavailable`` or ``SourceLost``.
    """
    gate, without_hum, loudest_dbfs, voice = VoiceActivityDetector(), HumFilter(), SILENCE_DBFS, False
    try:
        with Microphone(name=name) as microphone:
            for block in microphone:
                voice = bool(gate.push(without_hum(block.samples))) or voice
                now_dbfs, peak_dbfs = _levels(block)
                loudest_dbfs = max(loudest_dbfs, peak_dbfs)
                yield Level(now_dbfs, loudest_dbfs, voice)
                if voice or block.end_sample >= seconds * SAMPLE_RATE_HZ:
                    return
    except SourceUnavailable as error:
        if why := forbidden(microphone_devices()):
            raise SourceUnavailable(f"microphone: {why}") from error
        raise


def microphone_devices(dev: Path = Path("/dev")) -> list[Path]:
    """The device files of what sound cards can hear."""
    return sorted(dev.glob("snd/pcm*c"))


def _levels(block: AudioBlock) -> tuple[float, float]:
    """Root mean square and peak."""
    scaled = block.samples.astype(np.float32) / np.float32(32768)
    return _dbfs(float(np.sqrt(np.mean(scaled**2)))), _dbfs(float(np.max(np.abs(scaled))))


def _dbfs(amplitude: float) -> float:
    return max(SILENCE_DBFS, 20 * float(np.log10(amplitude))) if amplitude > 0 else SILENCE_DBFS
