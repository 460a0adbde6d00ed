"""Checkpoints of the nets that ship, kept beside this package: what is made of them can be made without a training."""

from __future__ import annotations

from pathlib import Path

from device.models.card import Served, read_card, single_head
from quantize.training import checkpoints
from quantize.training.checkpoints import RESULT, TRAINING_STATE, Training
from quantize.training.recipe import Recipe

RUNS_FOLDER, CHECKPOINTS_FOLDER = Path("runs"), Path("quantize/checkpoints")
"""Where nets are trained, and where those that ship are kept: a folder each, named like its recipe."""
MODELS_FOLDER, CROSS_VALIDATION_FOLDER = Path("models_tflite"), Path("quantize/cross_validation")
"""Where the int8 files are: those that ship, and those trained like them without some actors or a corpus."""


def folder_of(recipe: Recipe, name: str = RESULT) -> Path:
    """The recipe's run or, where none was begun, what is kept of the one that ships if ``name`` is there."""
    run, kept = RUNS_FOLDER / recipe.id, CHECKPOINTS_FOLDER / recipe.id
    return kept if (kept / name).exists() and not (run / TRAINING_STATE).exists() else run


def served_when_shipped(recipe: Recipe) -> Served:
    """What is served of a net that ships; of any other, or where no card is there, the first answer as it is."""
    path = MODELS_FOLDER / f"{recipe.id}.json"
    return read_card(path).served if path.exists() else single_head(heads=len(recipe.heads))


def histories(recipe: Recipe, run: Path) -> dict[str, Training]:
    """Of the nets that the one of ``run`` grew from, by name: they lie beside it. Raises ``AffectdError``."""
    beside = {stage: run.parent / stage.id for stage in recipe.lineage[:-1]}
    folders = {
        s: folder if (folder / TRAINING_STATE).exists() else folder_of(s, TRAINING_STATE)
        for s, folder in beside.items()
    }
    return {stage.id: checkpoints.require_state(folder) for stage, folder in folders.items()}


def keep(recipe: Recipe, run: Path) -> Path:
    """Keep the net of ``run`` as the one that ships, and its history; the folder that they are in.

    The optimizer's memory, which may be twice the net, is left out. Of the nets that it grew from only the histories
    are kept. Raises ``AffectdError``, before anything is written, where one of them is not there.
    """
    kept = CHECKPOINTS_FOLDER / recipe.id
    if run.resolve() == kept.resolve():
        return kept  # its net would be the same, but not its file, which has its date inside
    grown_through = histories(recipe, run)
    training, net = checkpoints.require_state(run), checkpoints.load_net(run, is_compiled=False)
    for stage, history in grown_through.items():
        checkpoints.save(CHECKPOINTS_FOLDER / stage, {}, history)
    checkpoints.save(kept, {RESULT: net}, training)
    return kept
