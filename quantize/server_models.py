"""The float twin of a shipped net, as the desktop server serves it: an ONNX file of any batch, and its card."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from device.models.card import Card, TensorSpec, read_card
from quantize import export
from quantize.checkpoints import require_state, write_beside
from quantize.recipe import Recipe

FOLDER = Path("desktop_server/models")


def write_server_model(recipe: Recipe, run: Path, *, shipped: Path, folder: Path) -> Card:
    """Write ``<id>.onnx``, checked against the run's net, and ``<id>.json`` into ``folder``.

    ``shipped`` is the card of the int8 file of the same run: answers, training and float metrics are told there.
    Raises ``AffectdError``, and leaves ``folder`` as it was.
    """
    require_state(run)
    with TemporaryDirectory() as made:
        form = next(f for f in export.export(recipe, run, Path(made)).forms if f.file.endswith(".onnx"))
        content = (Path(made) / form.file).read_bytes()
    card = float_card(read_card(shipped), content, largest_difference=form.largest_difference)
    folder.mkdir(parents=True, exist_ok=True)
    write_beside(folder / card.file, content)
    write_beside(folder / f"{recipe.id}.json", card_text(card))
    return card


def card_text(card: Card) -> bytes:
    """A card as its file holds it."""
    return (json.dumps(asdict(card), indent=1, ensure_ascii=False) + "\n").encode()


def float_card(shipped: Card, content: bytes, *, largest_difference: float) -> Card:
    """The card of the float twin: the int8 card's, as far as both are the same net."""
    kept = ("description", "parameters", "training_data", "terms", "split", "recipe", "intended_use", "limits")
    about: dict[str, Any] = {name: shipped.about[name] for name in kept if name in shipped.about}
    about["twin"] = {"id": shipped.id, "sha256": shipped.sha256}
    about["largest_difference_from_checkpoint"] = largest_difference
    if metrics := shipped.about.get("metrics"):
        about["metrics"] = {"float32": metrics["float32"]}
    return replace(
        shipped,
        id=f"{shipped.id}-float32",
        file=f"{shipped.id}.onnx",
        sha256=hashlib.sha256(content).hexdigest(),
        input=_float(shipped.input),
        outputs=tuple(_float(output) for output in shipped.outputs),
        runtimes=("onnxruntime",),
        about=about,
    )


def _float(spec: TensorSpec) -> TensorSpec:
    return TensorSpec(spec.shape, "float32")
