"""What a model file still says when picture or sound gets worse: the same samples, clean and degraded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from quantize.cases import Answers, Case, Part, pooled_answers, pooled_samples
from quantize.datasets import DatasetError, Samples
from quantize.datasets.noises import RULE, noise_files, read_noises
from quantize.degradations import Degradation
from quantize.degraded_faces import face_degradations
from quantize.degraded_voices import voice_degradations
from quantize.metrics import Scores, score
from quantize.paired import Paired, compare

PROTOCOL = (
    "every sample of each part's test, clean and under each degradation, through the appliance's own features; paired "
    "figures count a sample without a reading as not right; chance is seeded by the sample's name; intervals draw "
    "groups: actors, or single pictures; no p is corrected for the number of conditions, and of 5 actors the smallest "
    "that Wilcoxon's test can give is 0.0625"
)
_KINDS = {
    "face": "faces are degraded as cut out (48×48)",
    "speech": f"speech is degraded before the voice gate; noises: {RULE}",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the model says under one condition; shares in 0…1.

    ``scores`` and ``mean_confidence`` are of the samples that gave a reading, ``None`` where there is none.
    """

    without_reading: int
    share_without_reading: float
    scores: Scores | None
    mean_confidence: float | None


@dataclass(frozen=True, slots=True)
class Condition:
    """One degradation, and the model under it against the model on the same samples clean (clean is the first).

    ``against_clean`` has all samples, ``where_read`` those that gave a reading both times: the net's part of the loss.
    ``same_answer`` is the share of the latter with the same answer.
    """

    name: str
    family: str
    level: float | None
    unit: str
    what: str
    degraded: Outcome
    against_clean: Paired
    where_read: Paired | None
    same_answer: float | None


@dataclass(frozen=True, slots=True)
class Robustness:
    """The whole study: the figures are of all parts together."""

    kind: str
    protocol: str
    parts: tuple[Part, ...]
    samples: int
    groups: int
    clean: Outcome
    conditions: tuple[Condition, ...]


def degradations_of(kind: str, root: Path) -> list[Degradation]:
    """Those that a model of this kind is tried with; the noises are in ``root``/noise. Raises ``DatasetError``."""
    return face_degradations() if kind == "face" else voice_degradations(read_noises(noise_files(root).held_out))


def study(cases: Sequence[Case], degradations: Sequence[Degradation]) -> Robustness:
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
        protocol=f"{PROTOCOL}; {_KINDS[kind]}",
        parts=tuple(case.part for case in cases),
        samples=len(samples),
        groups=len(set(samples.groups)),
        clean=_outcome(clean, samples),
        conditions=tuple(conditions),
    )


def _outcome(given: Answers, samples: Samples) -> Outcome:
    read = samples.where(given.read)
    probs = given.probs[given.read]
    missed = len(samples) - len(read)
    return Outcome(
        without_reading=missed,
        share_without_reading=missed / len(samples),
        scores=score(probs, read.labels, read.groups) if len(read) else None,
        mean_confidence=float(probs.max(axis=1).mean()) if len(read) else None,
    )


def _condition(degradation: Degradation, clean: Answers, degraded: Answers, samples: Samples) -> Condition:
    both = clean.read & degraded.read
    before, after = clean.right(samples.labels), degraded.right(samples.labels)
    read = samples.where(both)
    same = clean.probs[both].argmax(axis=1) == degraded.probs[both].argmax(axis=1)
    return Condition(
        name=degradation.name,
        family=degradation.family,
        level=degradation.level,
        unit=degradation.unit,
        what=degradation.what,
        degraded=_outcome(degraded, samples),
        against_clean=compare(before, after, samples.labels, samples.groups),
        where_read=compare(before[both], after[both], read.labels, read.groups) if both.any() else None,
        same_answer=float(same.mean()) if both.any() else None,
    )
