"""From settings to the nets that read emotion."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from device.config.settings import Settings
from device.errors import AffectdError, ConfigError, ModelError
from device.models.net import Engine
from device.models.runtime import runtime_name
from device.models.sets import ModelSet, load_set, models_folder, stand_ins
from device.models.tflite import TfliteModel
from device.updates.installed import load_whole_set

_log = logging.getLogger(__name__)

_Made = TypeVar("_Made")


def tflite_engine(runtime: str = "") -> Engine:
    """The appliance's own: int8 files in a TFLite runtime, by its package's name; empty: the one that is installed."""
    return Engine(
        name=partial(runtime_name, runtime), folder=models_folder, load_net=partial(TfliteModel, runtime=runtime)
    )


TFLITE = tflite_engine()


def load_models(settings: Settings, engine: Engine = TFLITE) -> ModelSet:
    """The cards of the settings' model set. Raises ``ConfigError`` or ``ModelError``."""
    chosen = settings.models
    return load_set(engine.folder(chosen.dir, chosen.set), chosen.set)


def first_usable(settings: Settings, engine: Engine, make: Callable[[ModelSet], _Made]) -> tuple[ModelSet, _Made, str]:
    """The models, what ``make`` made of them, and what is wrong: if an installed set is damaged, the one before serves.

    Raises ``ConfigError`` or ``ModelError`` if none can.
    """
    folder = engine.folder(settings.models.dir, settings.models.set)
    damage: AffectdError | None = None
    for candidate in (folder, *stand_ins(folder)):
        try:
            models = load_whole_set(candidate, settings.models.set, any_name=damage is not None)
            made = make(models)
        except (ModelError, ConfigError) as error:
            damage = damage or error
        else:
            warning = f"{damage}; {models.name!r} in {candidate} serves instead" if damage else ""
            if warning:
                _log.error("%s", warning)
            return models, made, warning
    raise damage or ModelError(f"{folder}: no models here")
