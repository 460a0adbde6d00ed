"""Float nets in ONNX Runtime, on the processor or a GPU: the one thing in which the desktop differs from the Pi."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from desktop_server.inference.provider import Provider, Started, open_session, start
from device.arrays import FloatArray
from device.errors import ModelError
from device.models.card import Card, verify_file
from device.models.net import Engine, Net, one_sample
from device.models.sets import load_set
from device.models.tflite import TfliteModel
from device.readings import Modality

ONNX_SUFFIX = ".onnx"


class OnnxNet:
    """A verified float model, for one sample or many at once. ONNX Runtime lets several threads share one.

    Calling it takes a float32 array an input, of its shape without the batch, as ``TfliteModel`` does. Raises
    ``ModelError`` at construction if hash, shapes or types are not the card's, ``ConfigError`` for a provider that
    is not there.
    """

    def __init__(self, card: Card, folder: Path, *, provider: Provider = "auto", threads: int = 1) -> None:
        self.card = card
        self._session = _session(card, folder, started(provider).name, threads)
        _require_same(card, self._session)
        self._inputs = [given.name for given in self._session.get_inputs()]

    @property
    def provider(self) -> str:
        """What runs it, by ONNX Runtime's own name."""
        return str(self._session.get_providers()[0])

    def __call__(self, *values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once, on one sample."""
        return tuple(output[0] for output in self.batch(*one_sample(self.card, values)))

    def batch(self, *values: FloatArray) -> tuple[FloatArray, ...]:
        """Run the net once, on many samples: one float32 (n, …) an input to one an output."""
        given = dict(zip(self._inputs, values, strict=True))
        return tuple(np.asarray(o, dtype=np.float32) for o in self._session.run(None, given))


def float_engine(provider: Provider = "auto", *, threads: int = 1, runtime: str = "") -> Engine:
    """The engine of the desktop: float emotion nets; faces are found by the same float net as on the Pi.

    ``runtime`` is the TFLite runtime of that one. Raises ``ConfigError`` if the provider is not there.
    """
    runs_on = started(provider)
    return Engine(
        name=lambda: f"onnxruntime {onnxruntime.__version__} {runs_on.name}",
        folder=float_models_folder,
        load_net=partial(load_onnx_net, provider=provider, threads=threads, runtime=runtime),
        problem=runs_on.gpu_problem,
    )


def load_onnx_net(card: Card, folder: Path, *, provider: Provider = "auto", threads: int = 1, runtime: str = "") -> Net:
    """A card's net, by what its file is for."""
    if not card.file.endswith(ONNX_SUFFIX):
        return TfliteModel(card, folder, runtime=runtime)
    return OnnxNet(card, folder, provider=provider, threads=threads)


def float_models_folder(chosen: str = "", _name: str = "") -> Path:
    """The chosen folder of float models or (running from a checkout) the repository's, or the installed one.

    All sets lie in one folder: those that are installed on a node have no float twins.
    """
    if chosen:
        return Path(chosen)
    checkout = Path(__file__).resolve().parents[1] / "models"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "affectd" / "models_float"


@cache
def started(provider: Provider) -> Started:
    """What will run the nets, found out once a process.

    Raises ``ConfigError`` for a named one that is not installed or does not start.
    """
    return start(provider, _shipped_face_net)


def _shipped_face_net() -> Path:
    models = load_set(float_models_folder())
    return models.folder / models.card(Modality.FACE).file


def _session(card: Card, folder: Path, name: str, threads: int) -> Any:
    path = verify_file(card, folder)
    try:
        return open_session(path, name, threads=threads)
    except Exception as error:  # ONNX Runtime's own errors share no base class
        reason = str(error).splitlines()[0]
        raise ModelError(f"{path}: not a model that ONNX Runtime can run ({reason}); install the file again") from error


def _require_same(card: Card, session: Any) -> None:
    found = [(_sample_shape(end.shape), end.type) for end in (*session.get_inputs(), *session.get_outputs())]
    expected = [
        (spec.shape[1:], f"tensor({spec.dtype.replace('float32', 'float')})") for spec in (*card.inputs, *card.outputs)
    ]
    if found != expected:
        raise ModelError(f"model {card.id}: the file has {found}, the card says {expected}; install the model again")


def _sample_shape(shape: Sequence[int | str]) -> tuple[int | str, ...]:
    return tuple(shape[1:])
