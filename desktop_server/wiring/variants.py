"""From settings to the model variants: float and int8, each with a pool of analyzers, and their fusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from msgspec.structs import replace

from desktop_server.analysis.analyzer import Analyzer
from desktop_server.analysis.model_variant import FusionParameters, ModelVariant
from desktop_server.analysis.object_pool import ObjectPool
from desktop_server.inference.batching import BatchingNet
from desktop_server.schema import analysis as schema
from desktop_server.settings import ServerSettings, worker_count
from desktop_server.wiring.nets import shared_loader
from device.config.settings import ModelsSettings, Settings
from device.fusion.fuse import fuse
from device.fusion.temporal import TemporalFusion
from device.models.net import Engine, NetLoader
from device.models.sets import ModelSet
from device.readings import Estimate, Modality, Reading
from device.wiring.fusion import fusion_rule, make_fusion
from device.wiring.models import load_models, tflite_engine

_ALWAYS_S = 3600.0
"""A single picture stands for the whole of a recording beside it."""


def float_variant(
    settings: ServerSettings, models: ModelSet, engine: Engine, nets: Mapping[str, BatchingNet], max_analyzers: int
) -> ModelVariant:
    """The float nets, shared by all analyzers; each analyzer has a detector of its own."""
    return _variant("float32", engine, models, (worker_count(settings), max_analyzers), shared_loader(nets, engine))


def int8_variant(settings: ServerSettings, max_analyzers: int) -> ModelVariant:
    """The appliance's own files. Raises ``ConfigError`` or ``ModelError``."""
    # `models.dir` names a folder of float files here; the appliance's own are where they are installed.
    models = load_models(replace(settings, models=ModelsSettings(set=settings.models.set)))
    engine = tflite_engine(settings.models.runtime)
    return _variant("int8", engine, models, (1, max_analyzers), engine.load_net)


def _variant(
    name: schema.PrecisionName, engine: Engine, models: ModelSet, counts: tuple[int, int], load_net: NetLoader
) -> ModelVariant:
    """``counts``: analyzers at the start, and at most."""
    return ModelVariant(name, engine.name(), models, ObjectPool(partial(Analyzer, models, load_net), *counts))


@dataclass(frozen=True, slots=True)
class SettingsFusionFactory:
    """Fusion by the settings, with the rule that a request names."""

    settings: Settings
    models: ModelSet

    @property
    def parameters(self) -> FusionParameters:
        """The settings' thresholds and time constants."""
        chosen = self.settings.fusion
        return FusionParameters(chosen.uncertain_below, chosen.smooth_s, chosen.hold_s)

    def fuse(self, readings: Mapping[Modality, Reading], rule: str) -> Estimate:
        """Nothing is smoothed or held."""
        known = fusion_rule(self._with(rule=rule), self.models)
        return fuse(readings, known, uncertain_below=self.parameters.uncertain_below)

    def temporal(self, rule: str, *, face_persists: bool) -> TemporalFusion:
        """As on the appliance."""
        chosen = self._with(rule=rule, **({"face_fresh_s": _ALWAYS_S} if face_persists else {}))
        return make_fusion(chosen, self.models)

    def _with(self, **changes: Any) -> Settings:
        return replace(self.settings, fusion=replace(self.settings.fusion, **changes))
