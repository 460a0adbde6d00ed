"""The model repository of NVIDIA Triton, written from the float nets, for a model server of its own.

Layout and configuration: https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/
(model_repository.html, model_configuration.html).
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from desktop_server.inference.open_inference import INPUT, OUTPUT, PLATFORM, VERSION
from device.errors import AffectdError, ModelError
from device.models.card import Card, verify_file

_LABELS = "labels.txt"
CARD = "card.json"

_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}")
_TYPES = {"float32": "TYPE_FP32"}


@dataclass(frozen=True, slots=True)
class Batches:
    """How Triton batches: samples of one run, how long a run waits for more, and how many requests may wait."""

    size: int
    wait_us: int
    queue: int


def write_repository(folder: Path, cards: Iterable[Card], models: Path, batches: Batches) -> list[Path]:
    """Write ``<id>/config.pbtxt``, its labels, its card and ``<id>/1/model.onnx`` for each card, and say which folders.

    ``models`` is where the cards' files lie. What is there of an earlier export is replaced, the net last, so that a
    Triton that polls the folder never loads half of one. Raises ``ModelError`` for an altered net, ``AffectdError`` for
    a folder that cannot be written.
    """
    nets = [(card, verify_file(card, models)) for card in cards]
    try:
        return [_write_model(folder / _folder_name(card), card, net, batches) for card, net in nets]
    except OSError as error:
        raise AffectdError(
            f"{error.filename or folder}: cannot write the model repository ({error.strerror}); choose another folder"
        ) from error


def config_text(card: Card, batches: Batches) -> str:
    """The card as a ``ModelConfig`` in protobuf's text format. The batch is no part of ``dims``."""
    (output,) = card.outputs
    return f"""\
name: {_quoted(card.id)}
platform: {_quoted(PLATFORM)}
backend: "onnxruntime"
max_batch_size: {batches.size}
input [
  {{
    name: {_quoted(INPUT)}
    data_type: {_TYPES[card.input.dtype]}
    dims: {list(card.input.shape[1:])}
  }}
]
output [
  {{
    name: {_quoted(OUTPUT)}
    data_type: {_TYPES[output.dtype]}
    dims: {list(output.shape[1:])}
    label_filename: {_quoted(_LABELS)}
  }}
]
dynamic_batching {{
  max_queue_delay_microseconds: {batches.wait_us}
  default_queue_policy {{
    timeout_action: REJECT
    max_queue_size: {batches.queue}
  }}
}}
{_parameter("features", card.features)}
{_parameter("sha256", card.sha256)}
"""


def labels_text(card: Card) -> str:
    """A line a number of the output, row by row: what Triton's classification extension calls it."""
    lines = [
        label if len(card.answers) == 1 else f"{answer.name}/{label}"
        for answer in card.answers
        for label in card.labels
    ]
    if [len(lines)] != [math.prod(output.shape) for output in card.outputs]:
        raise ModelError(f"model {card.id}: its answers do not fit its output; install the model again")
    return "".join(f"{line}\n" for line in lines)


def _write_model(folder: Path, card: Card, net: Path, batches: Batches) -> Path:
    version = folder / VERSION
    version.mkdir(parents=True, exist_ok=True)
    _write(folder / _LABELS, labels_text(card))
    shutil.copyfile(net.with_suffix(".json"), folder / CARD)  # what it may be used for goes with it
    _write(folder / "config.pbtxt", config_text(card, batches))
    half = version / "model.onnx.new"
    shutil.copyfile(net, half)
    half.replace(version / "model.onnx")
    return folder


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _folder_name(card: Card) -> str:
    if not _NAME.fullmatch(card.id):
        raise ModelError(f"model {card.id!r}: the id cannot name a folder; install the model again")
    return card.id


def _parameter(key: str, value: str) -> str:
    return f"parameters {{ key: {_quoted(key)} value {{ string_value: {_quoted(value)} }} }}"


def _quoted(text: str) -> str:
    return json.dumps(text)  # its escapes are protobuf's, too
