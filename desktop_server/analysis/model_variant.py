"""A model variant: the nets of one precision (float32 or int8), and the fusions that settings and a rule make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from desktop_server.analysis.analyzer import Analyzer
from desktop_server.analysis.object_pool import ObjectPool
from desktop_server.schema import analysis as schema
from desktop_server.schema import serialize
from device.fusion.temporal import TemporalFusion
from device.models.sets import ModelSet
from device.readings import Estimate, Modality, Mode, Reading

MODALITIES_OF_MODE: Mapping[Mode, frozenset[Modality]] = {
    "face": frozenset([Modality.FACE]),
    "speech": frozenset([Modality.SPEECH]),
    "both": frozenset(Modality),
}
"""What is read in each mode."""


@dataclass(frozen=True, slots=True)
class FusionParameters:
    """What a label is chosen by: a threshold, the smoothing's time constant, and how long a label is held."""

    uncertain_below: float
    smooth_s: float
    hold_s: float


class FusionFactory(Protocol):
    """Fusion with the settings' thresholds, by the rule that a request names."""

    @property
    def parameters(self) -> FusionParameters:
        """What responses state of it."""

    def fuse(self, readings: Mapping[Modality, Reading], rule: str) -> Estimate:
        """The estimate of readings that belong together: nothing is smoothed or held."""

    def temporal(self, rule: str, *, face_persists: bool) -> TemporalFusion:
        """For a recording or stream; ``face_persists``: a single picture stands for all of it."""


@dataclass(frozen=True, slots=True)
class ModelVariant:
    """One precision: its name, its runtime, its model set, and a pool of analyzers, each for one thread at a time."""

    precision: schema.PrecisionName
    runtime: str
    models: ModelSet
    analyzers: ObjectPool[Analyzer]

    def info(self, mode: Mode) -> schema.Models:
        """The models that are used in this mode."""
        return self.info_of(MODALITIES_OF_MODE[mode])

    def info_of(self, modalities: frozenset[Modality]) -> schema.Models:
        """The models that read these modalities."""
        return schema.Models(
            precision=self.precision,
            runtime=self.runtime,
            model_set=self.models.name,
            face=serialize.model(self.models.card(Modality.FACE)) if Modality.FACE in modalities else None,
            speech=serialize.model(self.models.card(Modality.SPEECH)) if Modality.SPEECH in modalities else None,
        )
