"""The sex of those who speak in a corpus, as its authors state it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from quantize.datasets import Dataset, DatasetError


class Sex(StrEnum):
    """As the corpora divide people; none of them knows a third."""

    FEMALE = "female"
    MALE = "male"


DEMOGRAPHICS = "VideoDemographics.csv"

# Odd numbers are men.
_RAVDESS = {f"Actor_{number:02d}": Sex.MALE if number % 2 else Sex.FEMALE for number in range(1, 25)}
_TESS = dict.fromkeys(("OA", "YA"), Sex.FEMALE)
# As in the authors' own data.tsv (github.com/amu-cai/nEMO).
_NEMO = {
    **dict.fromkeys(("EB0", "IC0", "KD0", "MK0"), Sex.FEMALE),
    **dict.fromkeys(("KS0", "MP0", "SM0", "TP0", "WR0"), Sex.MALE),
}
# As in the authors' documentation (emodb.bilderbar.info).
_EMODB = {
    **dict.fromkeys(("08", "09", "13", "14", "16"), Sex.FEMALE),
    **dict.fromkeys(("03", "10", "11", "12", "15"), Sex.MALE),
}


def sexes_of(dataset: Dataset, root: Path) -> Mapping[str, Sex]:
    """The sex of a corpus's actors, by group. Raises ``DatasetError`` where it is not known."""
    match dataset.folder or dataset.name:
        case "ravdess":
            return _RAVDESS
        case "tess":
            return _TESS
        case "nemo":
            return _NEMO
        case "emodb":
            return _EMODB
        case "crema_d":
            return _crema_d(root)
        case _:
            raise DatasetError(f"{dataset.name} does not say who is a man; ravdess, crema_d, nemo, emodb and tess do")


def _crema_d(root: Path) -> dict[str, Sex]:
    folders = (root, root / "crema_d", root / "crema_d_votes")
    path = next((folder / DEMOGRAPHICS for folder in folders if (folder / DEMOGRAPHICS).is_file()), None)
    if path is None:
        raise DatasetError(
            f"{root / 'crema_d'}: {DEMOGRAPHICS}, which says who is a man, is not there; "
            "get it from 'CREMA-D' (github.com/CheyneyComputerScience/CREMA-D)"
        )
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return {row["ActorID"]: Sex(row["Sex"].lower()) for row in csv.DictReader(file)}
    except (OSError, ValueError, KeyError) as error:
        raise DatasetError(f"{path}: not CREMA-D's table of actors ({error}); get it again") from error
