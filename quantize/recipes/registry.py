"""Registry of recipes: all nets that can be made, by their names. A new model is one more entry."""

from __future__ import annotations

from device.errors import AffectdError
from quantize.recipes.face import AFFECTD_1_FACE, BASELINE_FACE
from quantize.recipes.speech import AFFECTD_1_SPEECH, BASELINE_SPEECH, SPEECH_FOLDS, SPEECH_WITHOUT
from quantize.training.recipe import Recipe

FACES = (BASELINE_FACE, *AFFECTD_1_FACE.lineage)
VOICES = (BASELINE_SPEECH, AFFECTD_1_SPEECH, *SPEECH_FOLDS, *SPEECH_WITHOUT)
RECIPES = {recipe.id: recipe for recipe in (*FACES, *VOICES)}


def find_recipe(name: str) -> Recipe:
    """The recipe called ``name``. Raises ``AffectdError`` that lists those there are."""
    try:
        return RECIPES[name]
    except KeyError as error:
        raise AffectdError(f"no model is called {name!r}; there are {', '.join(RECIPES)}") from error
