"""Registry of recipes: all nets that can be made, by their names. A new model is one more entry."""

from __future__ import annotations

from pathlib import Path

from device.errors import AffectdError
from quantize.datasets.own_folder import read_own
from quantize.recipes.face import AFFECTD_1_FACE, BASELINE_FACE
from quantize.recipes.own import own_recipe
from quantize.recipes.speech import AFFECTD_1_SPEECH, AFFECTD_2_SPEECH, BASELINE_SPEECH, SPEECH_FOLDS, SPEECH_WITHOUT
from quantize.training.recipe import Recipe
from quantize.training.shipped import RUNS_FOLDER

FACES = (BASELINE_FACE, *AFFECTD_1_FACE.lineage)
VOICES = (BASELINE_SPEECH, AFFECTD_1_SPEECH, AFFECTD_2_SPEECH, *SPEECH_FOLDS, *SPEECH_WITHOUT)
RECIPES = {recipe.id: recipe for recipe in (*FACES, *VOICES)}


def find_recipe(name: str, run: Path | None = None) -> Recipe:
    """The recipe called ``name``, or of the net of one's own that was begun in ``run`` (default: ``runs/NAME``).

    Raises ``AffectdError`` that lists those there are.
    """
    if name in RECIPES:
        return RECIPES[name]
    run = run or RUNS_FOLDER / name
    own = read_own(run)
    if own is None or own.id != name:
        raise AffectdError(
            f"no model is called {name!r}; there are {', '.join(RECIPES)}, and none of your own was begun in {run}"
        )
    return own_recipe(own, run)
