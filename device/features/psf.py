"""python_speech_features without SciPy.

The library imports all of SciPy (28 MiB of memory, over 100 MB of disk) for one cosine transform. It gets ours
instead, equal to SciPy's to rounding; everything else of it is used as it is.
"""

from __future__ import annotations

import sys
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def dct(values: Array, type: int = 2, axis: int = 1, norm: str = "ortho") -> Array:
    """The orthonormal DCT-II of each row of a (rows, n) array: the one call that the library makes."""
    assert (type, axis, norm) == (2, 1, "ortho"), "python_speech_features asks for no other transform"
    return np.asarray(values @ _basis(values.shape[1]).T)


@cache
def _basis(n: int) -> Array:
    """Row k is sqrt(2/n) cos(pi k (2j + 1) / 2n), and the first one sqrt(1/n)."""
    k, j = np.arange(n)[:, None], np.arange(n)[None, :]
    basis = np.sqrt(2 / n) * np.cos(np.pi * k * (2 * j + 1) / (2 * n))
    basis[0] /= np.sqrt(2)
    return np.asarray(basis)


def _library() -> Any:
    stand_ins = {"scipy": ModuleType("scipy"), "scipy.fftpack": ModuleType("scipy.fftpack")}
    stand_ins["scipy.fftpack"].dct = dct  # type: ignore[attr-defined]
    absent = [name for name in stand_ins if name not in sys.modules]
    sys.modules.update({name: stand_ins[name] for name in absent})
    try:
        import python_speech_features  # noqa: TID251 - here and nowhere else
    finally:
        for name in absent:
            del sys.modules[name]
    return python_speech_features


_psf = _library()
get_filterbanks = _psf.get_filterbanks
lifter = _psf.lifter
sigproc = _psf.sigproc
