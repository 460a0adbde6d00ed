"""Whether a set may serve on this machine, found out in a process of its own.

A file that is signed and broken crashes the runtime: then the child dies of it, and the set is refused.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from device.errors import AffectdError, ModelError
from device.fusion.rules import RULES
from device.modalities import MODALITIES
from device.models.sets import ModelSet, list_sets, load_set
from device.models.tflite import TfliteModel
from device.updates import manifest
from device.updates.archive import FILE_NAME
from device.updates.golden import require_golden

_PATIENCE_S = 120.0
"""Golden answers take a second or two on a PC, and an estimated ten on a Pi."""

Prove = Callable[[Path], tuple[ModelSet, float]]
"""``try_out``, here or elsewhere."""


def proved(folder: Path, runtime: str = "") -> tuple[ModelSet, float]:
    """``try_out`` in a process of its own. Raises ``ModelError``, for a crash too."""
    deviation = _deviation_in_child(folder, runtime)
    return _only_set(folder), deviation


def try_out(folder: Path, runtime: str = "") -> tuple[ModelSet, float]:
    """The one set of a folder, once it has proved whole and usable on this machine, and its largest deviation.

    ``runtime`` is the TFLite runtime that is to serve it; empty: the one that is installed. Raises ``ModelError``.
    """
    described = manifest.require_whole(folder)
    models = _only_set(folder)
    for card in models.cards:
        if card.file not in described.files:
            raise ModelError(f"model {card.id}: its file {card.file!r} is not part of the set; pack it again")
    require_usable_models(models, runtime)
    return models, require_golden(models, packed_by=described.packed.runtime, runtime=runtime)


def require_usable_models(models: ModelSet, runtime: str = "") -> None:
    """Raise ``ModelError`` unless this version of affectd can serve the set: files, features, labels, rule."""
    for row in MODALITIES:
        row.make_recogniser(models, partial(TfliteModel, runtime=runtime))
    if models.rule not in RULES:
        raise ModelError(f"model set {models.name!r}: this version of affectd has no fusion rule {models.rule!r}")


def _only_set(folder: Path) -> ModelSet:
    names = list_sets(folder)
    if len(names) != 1:
        raise ModelError(f"a file of one model set is wanted, this one has {len(names)}; pack it again")
    if not FILE_NAME.fullmatch(names[0]):  # it becomes part of a folder's name
        raise ModelError(f"model set {names[0]!r} is no name; use letters, digits, '.', '_' or '-', and pack it again")
    return load_set(folder)


def _deviation_in_child(folder: Path, runtime: str) -> float:
    # -P and -s: nothing of the folder that root happens to be in, or of its home.
    python = [sys.executable, "-P", *["-s"] * sys.flags.no_user_site]
    command = [*python, "-m", "device.updates.proof", str(folder), runtime]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_PATIENCE_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"the model set gives no answer within {_PATIENCE_S:.0f} s on this machine; pack it again"
        ) from error
    except OSError as error:
        raise AffectdError(f"{sys.executable}: cannot be started to try the model set ({error.strerror})") from error
    kind, _, said = (done.stdout.splitlines() or [""])[-1].partition(" ")
    if done.returncode == 0 and kind == "ok":
        return float(said)
    if kind == "refused":
        raise ModelError(said)
    raise ModelError(
        f"the model set crashes what runs models here (status {done.returncode}), so it must not be used; pack it again"
    )


def main(folder: Path, runtime: str) -> int:
    """Say in one line what came of it."""
    try:
        _, deviation = try_out(folder, runtime)
    except ModelError as error:
        print("refused", " ".join(str(error).split()))  # noqa: T201 - to the parent
        return 1
    print("ok", deviation)  # noqa: T201 - to the parent
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2]))
