"""Options of the studies: which files on which data sets, and where the figures go for the report to read."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from device.errors import AffectdError, ModelError
from device.features.hum import TAKEN_OUT
from device.models.card import read_card
from quantize.cases import Part
from quantize.checkpoints import write_beside
from quantize.datasets import NAMES, Dataset, DatasetError, find_dataset
from quantize.tables import of_unreadable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MEASURED = Path("docs/measured")
DATASET_OF = {"face": "fer2013", "speech": "ravdess"}


def add_files(parser: argparse.ArgumentParser) -> None:
    """Which model files, each on which data set: several are pooled, as the five folds of RAVDESS."""
    parser.add_argument("--model", type=Path, action="append", required=True, metavar="FILE", help="may be repeated")
    parser.add_argument(
        "--dataset",
        choices=NAMES,
        action="append",
        help="one for each --model (default: fer2013 for faces, ravdess for voices)",
    )


def files_of(options: argparse.Namespace) -> list[tuple[Path, Dataset]]:
    """The files and their data sets. Raises ``DatasetError`` where there are not as many."""
    kinds = [kind_of(model) for model in options.model]
    names = options.dataset or [DATASET_OF.get(kind, "") for kind in kinds]
    if len(names) != len(kinds):
        raise DatasetError(f"{len(kinds)} models on {len(names)} data sets; name one --dataset for each --model")
    datasets = [find_dataset(name, kind) for name, kind in zip(names, kinds, strict=True)]
    return list(zip(options.model, datasets, strict=True))


def kind_of(model: Path) -> str:
    """What the card beside a model file says it reads. Raises ``ModelError``, also if one of the two is not there."""
    card = model.with_suffix(".json")
    if not model.exists():
        raise ModelError(f"{model}: there is no such model file; name a .tflite file that is there")
    if not card.exists():
        raise ModelError(
            f"{card}: the card of {model.name} has to stand beside it; `python -m quantize convert` makes both"
        )
    return read_card(card).kind


def title_of(parts: Sequence[Part]) -> str:
    """Of a table: the files, what was left out of their data, and what these copies of it lack."""
    files = [f"{part.model} ({part.sha256[:8]}) on {part.dataset}, {part.samples} samples" for part in parts]
    unreadable = [name for part in parts for name in part.unreadable]
    return "\n".join([*files, *of_unreadable(unreadable), *dict.fromkeys(r for part in parts for r in part.remarks)])


def add_json(parser: argparse.ArgumentParser, study: str) -> None:
    """The option that names the file."""
    default = MEASURED / f"{study}.json"
    parser.add_argument("--json", type=Path, default=default, metavar="OUT", help=f"(default: {default})")


def require_writable(path: Path) -> None:
    """Find out before the work whether its figures can be written there; leaves nothing. Raises ``AffectdError``."""
    if path.is_dir():
        raise AffectdError(f"{path}: is a folder; name a file in it with --json")
    try:
        folder = next(above for above in path.absolute().parents if above.exists())
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise AffectdError(f"{path}: cannot be written ({error.strerror}); choose another --json") from error


def write_study(path: Path, figures: DataclassInstance) -> None:
    """Write them, and how sound was heard, making the folder if need be. Raises ``AffectdError``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AffectdError(f"{path.parent}: cannot be made ({error.strerror}); choose another --json") from error
    write_beside(path, (json.dumps({**asdict(figures), "sound": TAKEN_OUT}, indent=1) + "\n").encode())
