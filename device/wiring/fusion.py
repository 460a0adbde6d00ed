"""From settings to the fusion of the modalities."""

from __future__ import annotations

from device.config.settings import Settings
from device.errors import ModelError
from device.fusion.temporal import TemporalFusion
from device.modalities import MODALITIES
from device.models.sets import ModelSet
from device.readings import RULE_NAMES, RuleName


def make_fusion(settings: Settings, models: ModelSet) -> TemporalFusion:
    """The temporal fusion that the settings describe.

    Raises ``ModelError`` for a model set whose rule is not known here.
    """
    chosen = settings.fusion
    return TemporalFusion(
        rule=fusion_rule(settings, models),
        fresh_s={row.modality: row.fresh_s(settings) for row in MODALITIES},
        smooth_s=chosen.smooth_s,
        hold_s=chosen.hold_s,
        uncertain_below=chosen.uncertain_below,
    )


def fusion_rule(settings: Settings, models: ModelSet) -> RuleName:
    """The rule of the settings or, if they name none, the model set's. Raises ``ModelError`` for an unknown one."""
    rule = settings.fusion.rule or models.rule
    for known in RULE_NAMES:
        if known == rule:
            return known
    raise ModelError(
        f"model set {models.name!r}: this version of affectd has no fusion rule {rule!r}; "
        f"set fusion.rule to one of {', '.join(RULE_NAMES)}"
    )
