"""Sound files of the corpora as every sound inside affectd is: int16, mono, 16 kHz."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import overload

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from device.signals import RATE_HZ
from quantize.datasets.common import DatasetError

Clip = NDArray[np.int16]


class Clips(Sequence[Clip]):
    """Sound files as a sequence of clips, each read when it is asked for."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths

    def __len__(self) -> int:
        return len(self._paths)

    @overload
    def __getitem__(self, index: int) -> Clip: ...
    @overload
    def __getitem__(self, index: slice) -> Clips: ...
    def __getitem__(self, index: int | slice) -> Clip | Clips:
        if isinstance(index, slice):
            return Clips(self._paths[index])
        return read_clip(self._paths[index])


def read_clip(path: Path) -> Clip:
    """The clip in ``path``; channels are averaged, other rates converted. Raises ``DatasetError``."""
    try:
        samples, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise DatasetError(f"{path}: not a sound file that can be read ({error}); copy it again") from error
    mono = samples.mean(axis=1)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    return np.asarray(np.clip(np.rint(mono * 32768), -32768, 32767), dtype=np.int16)
