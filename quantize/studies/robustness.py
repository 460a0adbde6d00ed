"""Robustness of a model file to worse pictures or sounds: the same samples, clean and degraded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantize.datasets import DatasetError, Samples
from quantize.datasets.noises import HELD_OUT_RULE, noise_files, read_noises
from quantize.evaluation.evaluate import Version
from quantize.evaluation.metrics import Scores, score
from quantize.evaluation.significance import Paired, compare
from quantize.studies.degradations import Degradation
from quantize.studies.degraded_faces import face_degradations
from quantize.studies.degraded_voices import voice_degradations
from quantize.studies.pooled import (
    Case,
    Files,
    Part,
    SampleProbs,
    open_cases,
    pooled_answers,
    pooled_samples,
    shipped_of,
)

_PROTOCOL = (
    "every sample of each part's test, clean and under each degradation, through the appliance's own features; paired "
    "figures count a sample without a reading as not right; chance is seeded by the sample's name; intervals draw "
    "groups: actors, or single pictures; no p is corrected for the number of conditions, and of 5 actors the smallest "
    "that Wilcoxon's test can give is 0.0625"
)
_KINDS = {
    "face": "faces are degraded as cut out (48×48)",
    "speech": f"speech is degraded before the voice gate; noises: {HELD_OUT_RULE}",
}


@dataclass(frozen=True, slots=True)
class RobustnessOutcome:
    """What the model says under one condition; ``scores`` are of the samples that gave a reading, if any did."""

    without_reading: int
    share_without_reading: float
    scores: Scores | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One degradation, and the model under it against the model on the same samples clean (clean is the first)."""

    name: str
    family: str
    level: float | None
    unit: str
    what: str
    degraded: RobustnessOutcome
    against_clean: Paired


@dataclass(frozen=True, slots=True)
class Robustness:
    """The whole study: the figures are of all parts together."""

    kind: str
    protocol: str
    parts: tuple[Part, ...]
    samples: int
    groups: int
    clean: RobustnessOutcome
    conditions: tuple[Condition, ...]

    @property
    def made_of(self) -> tuple[Version, ...]:
        """The files."""
        return tuple(part.version for part in self.parts)

    @property
    def model(self) -> str:
        """The net that ships."""
        return shipped_of(self.parts)


def degradations_of(kind: str, root: Path) -> list[Degradation]:
    """Those that a model of this kind is tried with; the noises are in ``root``/noise. Raises ``DatasetError``."""
    return face_degradations() if kind == "face" else voice_degradations(read_noises(noise_files(root).held_out))


def study(files: Files, root: Path) -> Robustness:
    """Score files of one kind on the corpora under ``root``. Raises ``DatasetError`` and ``ModelError``."""
    (kind, *others) = {dataset.kind for _, dataset in files}
    if others:
        raise DatasetError("faces and voices are degraded in different ways; make a study of each")
    degradations = degradations_of(kind, root)
    return score_robustness(open_cases(files, root), degradations)


def score_robustness(cases: Sequence[Case], degradations: Sequence[Degradation]) -> Robustness:
    """Score the cases, all of one kind, clean and under each degradation.

    Raises ``DatasetError`` if nothing of the test parts can be scored.
    """
    samples, kind = pooled_samples(cases), cases[0].model.card.kind
    clean = pooled_answers(cases, "clean")
    if not clean.read.any():
        raise DatasetError(f"of {len(samples)} test samples the appliance says nothing about any")
    conditions = []
    for number, degradation in enumerate(degradations, 1):
        what = f"{number} of {len(degradations)}, {degradation.name}"
        conditions.append(_condition(degradation, clean, pooled_answers(cases, what, degradation), samples))
    return Robustness(
        kind=kind,
        protocol=f"{_PROTOCOL}; {_KINDS[kind]}",
        parts=tuple(case.part for case in cases),
        samples=len(samples),
        groups=len(set(samples.groups)),
        clean=_outcome(clean, samples),
        conditions=tuple(conditions),
    )


def _outcome(given: SampleProbs, samples: Samples) -> RobustnessOutcome:
    read = samples.where(given.read)
    missed = len(samples) - len(read)
    return RobustnessOutcome(
        without_reading=missed,
        share_without_reading=missed / len(samples),
        scores=score(given.probs[given.read], read.labels, read.groups) if len(read) else None,
    )


def _condition(degradation: Degradation, clean: SampleProbs, degraded: SampleProbs, samples: Samples) -> Condition:
    return Condition(
        name=degradation.name,
        family=degradation.family,
        level=degradation.level,
        unit=degradation.unit,
        what=degradation.what,
        degraded=_outcome(degraded, samples),
        against_clean=compare(
            clean.right(samples.labels), degraded.right(samples.labels), samples.labels, samples.groups
        ),
    )
