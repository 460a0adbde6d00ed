"""Schema of an analysis: one for pictures, sounds and films, so that a client of one can read all.

Classes have the names that they have in the OpenAPI document, and in generated clients.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from device.readings import Label, Mode, RuleName

PrecisionName = Literal["float32", "int8"]
UnitInterval = Field(ge=0, le=1)


class FrozenModel(BaseModel):
    """A piece of an answer: nothing changes it, and nothing unknown is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Probs(FrozenModel):
    """One probability an emotion; they sum to 1."""

    angry: float = UnitInterval
    disgust: float = UnitInterval
    fear: float = UnitInterval
    happy: float = UnitInterval
    neutral: float = UnitInterval
    sad: float = UnitInterval
    surprise: float = UnitInterval


class Model(FrozenModel):
    """A model by its card."""

    id: str
    sha256: str


class Models(FrozenModel):
    """What answered, and what ran it."""

    precision: PrecisionName
    runtime: str = Field(description="With the ONNX Runtime provider in use, or the TFLite runtime's name.")
    model_set: str
    face: Model | None = Field(description="None where no face model was asked.")
    speech: Model | None


class ModalityResult(FrozenModel):
    """What one modality said, and how much it counted in the fused estimate."""

    present: bool
    quality: float | None = Field(
        default=None, ge=0, le=1, description="A face's size, sharpness, light; a voice's SNR."
    )
    weight: float = UnitInterval
    label: Label | None = None
    probs: Probs | None = None


class Modalities(FrozenModel):
    """Both."""

    face: ModalityResult
    speech: ModalityResult


class Estimate(FrozenModel):
    """A fused emotion; ``label`` is `uncertain` when the best is below the threshold, `nobody` when nothing was read.

    In a live stream it is `unknown`, with a reason, while there is no sound and the pictures are frozen or black.
    Of a recording or film as a whole each modality's readings are averaged, and the rule is applied once to the
    averages; nothing is smoothed or held. On the way through one, and live, ``probs`` are smoothed over time.
    """

    label: Label
    reason: str | None = Field(default=None, description="Why the label is `unknown`.")
    confidence: float = UnitInterval
    valence: float = Field(ge=-1, le=1)
    arousal: float = Field(ge=-1, le=1)
    probs: Probs | None
    unsmoothed: Probs | None = Field(
        default=None,
        description="What the rule makes of face and voice at this moment alone; `probs` are these smoothed. "
        "Of a whole, or a single picture, both are the same.",
    )
    modalities: Modalities


class TimelineEstimate(Estimate):
    """An estimate on the way through a recording or film; seconds from its start."""

    at_s: float = Field(ge=0)


class RuleTimeline(FrozenModel):
    """What one rule says on the way, in columns: the values at one place of each list belong together.

    Its moments may be others than those of `timeline`: a label falls when the rule's own probabilities have it so.
    """

    at_s: list[float]
    label: list[Label]
    confidence: list[float]
    valence: list[float]
    arousal: list[float]
    probs: list[list[float] | None] = Field(description="Smoothed; in the order of `emotions` at `/v1/server`.")
    unsmoothed: list[list[float] | None]
    face_weight: list[float]
    speech_weight: list[float]


class RuleResult(FrozenModel):
    """What one fusion rule makes of the whole input's readings."""

    label: Label
    confidence: float = UnitInterval
    valence: float = Field(ge=-1, le=1)
    arousal: float = Field(ge=-1, le=1)
    probs: Probs | None
    face_weight: float = UnitInterval
    speech_weight: float = UnitInterval
    timeline: RuleTimeline | None = Field(default=None, description="With `every_rule=true`, of a recording.")


class VariantResult(FrozenModel):
    """What one precision makes of the whole input."""

    models: Models
    estimate: Estimate
    timeline: list[TimelineEstimate] = Field(description="Empty for a single picture.")
    rules: dict[RuleName, RuleResult] | None = Field(default=None, description="With `every_rule=true`.")


class Box(FrozenModel):
    """In pixels of the picture as it is shown (turned as its EXIF says); it may reach beyond the border."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float


class Face(FrozenModel):
    """One face of a picture, the largest first: that one is read for the estimate."""

    box: Box
    score: float = UnitInterval
    quality: float = UnitInterval
    is_used: bool
    label: Label
    probs: Probs


class Size(FrozenModel):
    """Of a picture."""

    width_px: int
    height_px: int


class Explanation(FrozenModel):
    """Why: maps in 0…1, rows of a grid over the face (its 48 × 48 crop) and over the features of the voice.

    ``contributions`` say how much each modality moved the fused probability of the label.
    """

    label: Label
    method: str
    face_map: list[list[float]] | None = None
    speech_map: list[list[float]] | None = Field(
        default=None, description="Rows are moments, columns bands; what prosody adds is in no place."
    )
    face_crop_png_base64: str | None = Field(default=None, description="The crop that the net saw.")
    speech_features: list[list[float]] | None = None
    contributions: dict[str, float] = {}


class Timings(FrozenModel):
    """Milliseconds of server time, by stage; ``total`` has all of them."""

    decode: float
    find_faces: float | None = None
    features: float | None = None
    nets: float
    queued: float = 0.0
    total: float


class AnalysisResponse(FrozenModel):
    """To `/v1/face`, `/v1/speech` and `/v1/fused`."""

    schema_: Literal["affectd.answer/1"] = Field(default="affectd.answer/1", alias="schema")
    mode: Mode
    fusion: RuleName
    uncertain_below: float = Field(ge=0, le=1, description="A best emotion below this is said as `uncertain`.")
    smooth_s: float = Field(ge=0, description="In the timeline `probs` are smoothed with this time constant.")
    hold_s: float = Field(ge=0, description="In the timeline a label is still said for so long after it lost the lead.")
    modalities_used: list[Literal["face", "speech"]]
    estimate: Estimate
    rules: dict[RuleName, RuleResult] = Field(
        description="What each rule makes of the same readings of the whole; the one of `fusion` is the estimate's."
    )
    timeline: list[TimelineEstimate]
    faces: list[Face]
    picture: Size | None
    models: Models
    int8: VariantResult | None = Field(default=None, description="With `compare=true`: the appliance's int8 files.")
    explanation: Explanation | None = Field(default=None, description="With `explain=true`.")
    timings_ms: Timings

    def as_json(self) -> str:
        """As it is sent."""
        return self.model_dump_json(by_alias=True)
