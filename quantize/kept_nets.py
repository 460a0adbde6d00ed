"""The trained nets that ship, kept beside this package: what is made of them can be made again without a training."""

from __future__ import annotations

from pathlib import Path

from quantize import checkpoints
from quantize.checkpoints import RESULT, STATE, Training
from quantize.recipe import Recipe

RUNS, NETS = Path("runs"), Path("quantize/nets")
"""Where nets are trained, and where those that ship are kept: a folder each, named like its recipe."""


def folder_of(recipe: Recipe, name: str = RESULT) -> Path:
    """The recipe's run or, where none was begun, what is kept of the one that ships if ``name`` is there."""
    run, kept = RUNS / recipe.id, NETS / recipe.id
    return kept if (kept / name).exists() and not (run / STATE).exists() else run


def histories(recipe: Recipe, run: Path) -> dict[str, Training]:
    """Of the nets that the one of ``run`` grew from, by name: they lie beside it. Raises ``AffectdError``."""
    beside = {stage: run.parent / stage.id for stage in recipe.lineage[:-1]}
    folders = {s: folder if (folder / STATE).exists() else folder_of(s, STATE) for s, folder in beside.items()}
    return {stage.id: checkpoints.require_state(folder) for stage, folder in folders.items()}


def keep(recipe: Recipe, run: Path) -> Path:
    """Keep the net of ``run`` as the one that ships, and its history; the folder that they are in.

    The optimizer's memory, which may be twice the net, is left out. Of the nets that it grew from only the histories
    are kept. Raises ``AffectdError``, before anything is written, where one of them is not there.
    """
    kept = NETS / recipe.id
    if run.resolve() == kept.resolve():
        return kept  # its net would be the same, but not its file, which has its date inside
    grown_through = histories(recipe, run)
    training, net = checkpoints.require_state(run), checkpoints.load_net(run, is_compiled=False)
    for stage, history in grown_through.items():
        checkpoints.save(NETS / stage, {}, history)
    checkpoints.save(kept, {RESULT: net}, training)
    return kept
