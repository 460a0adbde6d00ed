"""Training recipes for anybody's folder: an architecture that is there, and numbers that suit small corpora."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from device.errors import AffectdError
from device.models.sets import DETECTOR
from quantize.datasets.folder import FOLDER
from quantize.datasets.own_folder import OwnFolder
from quantize.recipes.face import BASELINE_FACE
from quantize.recipes.speech import BASELINE_SPEECH
from quantize.training.batches import PerSampleAugment
from quantize.training.recipe import Recipe

ARCHITECTURES = {recipe.id: recipe for recipe in (BASELINE_FACE, BASELINE_SPEECH)}
_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


def kind_of_architecture(name: str) -> str:
    """What nets of this architecture read. Raises ``AffectdError`` that lists those there are."""
    if name not in ARCHITECTURES:
        raise AffectdError(f"--architecture {name}: there is none of that name; there are {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[name].dataset.kind


def own_recipe(own: OwnFolder, run: Path) -> Recipe:
    """The recipe of a net that is trained on a folder of one's own, in ``run``. Raises ``AffectdError``."""
    if not _ID.fullmatch(own.id) or own.id == DETECTOR:
        raise AffectdError(f"--id {own.id!r}: use small letters, digits and hyphens, such as mine-1")
    kind_of_architecture(own.architecture)
    base, dataset = ARCHITECTURES[own.architecture], own.dataset(run)
    return replace(
        base,
        id=own.id,
        dataset=dataset,
        scored_on=(dataset,),
        optimizer=lambda keras: keras.optimizers.Adam(1e-3),
        plan=PerSampleAugment(base.front_end, batch_size=32, oversample=True),
        epochs=50,
        patience=10,
        heads=("labels",),
        summary="Adam 1e-3, batch 32, at most 50 epochs, stopped after 10 without a better validation accuracy; rare "
        "classes repeated; varied as the net of this architecture that ships",
        limits="Trained on a folder of somebody's own: it is worth what its test says, on people and in light or rooms "
        "like those of that folder. A class that the folder lacks is never named.",
        is_shipped=False,
        fits_temperature=True,
        arguments=f"--dataset {FOLDER} --architecture {own.architecture} --id {own.id}",
    )
