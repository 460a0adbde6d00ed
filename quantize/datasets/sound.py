"""Sound files and sound tracks of the corpora as every sound inside affectd is: int16, mono, 16 kHz."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from device.arrays import PcmArray
from device.capture.container import contents, sound_blocks
from device.capture.downmix import to_mono
from device.errors import MediaError
from device.signals import SAMPLE_RATE_HZ
from quantize.datasets.common import UnreadableSignal

SOUND_SUFFIXES = (".wav", ".flac", ".opus", ".ogg", ".mp3", ".aif", ".aiff", ".au")
"""What libsndfile reads."""
CONTAINER_SUFFIXES = (
    *(".m4a", ".aac", ".wma", ".amr", ".mka", ".caf"),
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv", ".mpg", ".mpeg", ".3gp", ".wmv"),
)
"""What the appliance's own reader of films is asked for."""
_BLOCK_MS = 100
_BAD_FILE = 7
"""libsndfile's SFE_BAD_FILE, which it words as a file that does not exist, and gives of an empty or cut-off MP3."""


def read_clip(path: Path) -> PcmArray:
    """The clip in ``path``; channels become one as in a replay, other rates 16 kHz. Raises ``UnreadableSignal``."""
    clip = _sound_track(path) if path.suffix.lower() in CONTAINER_SUFFIXES else _sound_file(path)
    if not len(clip):
        raise UnreadableSignal(f"{path}: holds no sound; copy it again")
    return clip


def _sound_file(path: Path) -> PcmArray:
    try:
        samples, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    except OSError as error:
        raise UnreadableSignal(
            f"{path}: not a sound file that can be read ({error.strerror}); copy it again"
        ) from error
    except soundfile.LibsndfileError as error:
        raise UnreadableSignal(f"{path}: not a sound file that can be read ({_why(error)}); copy it again") from error
    mono = to_mono(samples, rate_hz)
    if not np.isfinite(mono).all():
        raise UnreadableSignal(f"{path}: has samples that are not numbers (NaN or infinite); export it again")
    if rate_hz != SAMPLE_RATE_HZ:
        mono = soxr.resample(mono, rate_hz, SAMPLE_RATE_HZ)
    return np.asarray(np.clip(np.rint(mono * 32768), -32768, 32767), dtype=np.int16)


def _why(error: soundfile.LibsndfileError) -> str:
    return "it does not decode" if error.code == _BAD_FILE else str(error.error_string).rstrip(".")


def _sound_track(path: Path) -> PcmArray:
    try:
        if not contents(path).has_sound:
            raise UnreadableSignal(f"{path}: a film without a sound track")
        return np.concatenate([block.samples for block in sound_blocks(path, _BLOCK_MS)])
    except MediaError as error:
        raise UnreadableSignal(str(error)) from error
