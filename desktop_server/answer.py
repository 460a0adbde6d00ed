"""What the server answers: one schema for pictures, sounds and films, so that whoever reads one can read all."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Mode = Literal["face", "speech", "both"]
Rule = Literal["average", "weighted", "max_confidence", "product", "learned"]
Precision = Literal["float32", "int8"]
Label = Literal["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise", "uncertain", "nobody", "unknown"]
Share = Field(ge=0, le=1)


class Part(BaseModel):
    """A piece of an answer: nothing changes it, and nothing unknown is in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Probs(Part):
    """One probability an emotion; they sum to 1."""

    angry: float = Share
    disgust: float = Share
    fear: float = Share
    happy: float = Share
    neutral: float = Share
    sad: float = Share
    surprise: float = Share


class Model(Part):
    """A model by its card."""

    id: str
    sha256: str


class Models(Part):
    """What answered, and what ran it."""

    precision: Precision
    runtime: str = Field(description="With the ONNX Runtime provider in use, or the TFLite runtime's name.")
    model_set: str
    face: Model | None = Field(description="None where no face model was asked.")
    speech: Model | None


class Modality(Part):
    """What one modality said, and how much it counted in the fused estimate."""

    present: bool
    quality: float | None = Field(
        default=None, ge=0, le=1, description="A face's size, sharpness, light; a voice's SNR."
    )
    weight: float = Share
    label: Label | None = None
    probs: Probs | None = None


class Modalities(Part):
    """Both."""

    face: Modality
    speech: Modality


class Estimate(Part):
    """A fused emotion; ``label`` is `uncertain` when the best is below the threshold, `nobody` when nothing was read.

    In a live stream it is `unknown`, with a reason, while there is no sound and the pictures are frozen or black.
    Of a recording or film as a whole each modality's readings are averaged, and the rule is applied once to the
    averages; nothing is smoothed or held. On the way through one, and live, ``probs`` are smoothed over time.
    """

    label: Label
    reason: str | None = Field(default=None, description="Why the label is `unknown`.")
    confidence: float = Share
    valence: float = Field(ge=-1, le=1)
    arousal: float = Field(ge=-1, le=1)
    probs: Probs | None
    unsmoothed: Probs | None = Field(
        default=None,
        description="What the rule makes of face and voice at this moment alone; `probs` are these smoothed. "
        "Of a whole, or a single picture, both are the same.",
    )
    modalities: Modalities


class Moment(Estimate):
    """An estimate on the way through a recording or film; seconds from its start."""

    at_s: float = Field(ge=0)


class Opinion(Part):
    """What one precision makes of the whole input."""

    models: Models
    estimate: Estimate
    timeline: list[Moment] = Field(description="Empty for a single picture.")


class Box(Part):
    """In pixels of the picture as it is shown (turned as its EXIF says); it may reach beyond the border."""

    left_px: float
    top_px: float
    width_px: float
    height_px: float


class Face(Part):
    """One face of a picture, the largest first: that one is read for the estimate."""

    box: Box
    score: float = Share
    quality: float = Share
    is_used: bool
    label: Label
    probs: Probs


class Size(Part):
    """Of a picture."""

    width_px: int
    height_px: int


class Explanation(Part):
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


class Timings(Part):
    """Milliseconds of server time, by stage; ``total`` has all of them."""

    decode: float
    find_faces: float | None = None
    features: float | None = None
    nets: float
    queued: float = 0.0
    total: float


class Answer(Part):
    """To `/v1/face`, `/v1/speech` and `/v1/fused`."""

    schema_: Literal["affectd.answer/1"] = Field(default="affectd.answer/1", alias="schema")
    mode: Mode
    fusion: Rule
    uncertain_below: float = Field(ge=0, le=1, description="A best emotion below this is said as `uncertain`.")
    smooth_s: float = Field(ge=0, description="In the timeline `probs` are smoothed with this time constant.")
    hold_s: float = Field(ge=0, description="In the timeline a label is still said for so long after it lost the lead.")
    modalities_used: list[Literal["face", "speech"]]
    estimate: Estimate
    timeline: list[Moment]
    faces: list[Face]
    picture: Size | None
    models: Models
    int8: Opinion | None = Field(default=None, description="With `compare=true`: the appliance's int8 files.")
    explanation: Explanation | None = Field(default=None, description="With `explain=true`.")
    timings_ms: Timings
