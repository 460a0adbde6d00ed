"""Figures of no model, in the shapes that the studies write: each is made of the study's own dataclasses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from device.models.card import single_head
from quantize.conversion.serving import Candidate, OnLabels
from quantize.evaluation.bootstrap import Figure
from quantize.evaluation.evaluate import Report, Version
from quantize.evaluation.metrics import Scores, score
from quantize.evaluation.significance import Paired, compare
from quantize.studies.better_than import BetterThan, ComparedFile
from quantize.studies.fairness import ActorFigures, Fairness, Gap, Sex, SexFigures
from quantize.studies.formats import Difference, FormatComparison, FormatFigures
from quantize.studies.fusion.same_performance import Repaired, RepairedRule, SamePerformance, System
from quantize.studies.fusion.simulated import Simulated, SimulatedSystem
from quantize.studies.fusion.study import FusionStudy
from quantize.studies.pooled import Part
from quantize.studies.prosody import AtStrength, ProsodyStudy
from quantize.studies.robustness import Condition, Robustness, RobustnessOutcome
from quantize.studies.sensitivity import Harm, LayerHarm, Sensitivity
from quantize.studies.served import ServedStudy, Threshold
from quantize.studies.split_leakage import ProtocolRow, SplitLeakage
from quantize.studies.study import Study

NAMES = [f"Actor_{number % 4:02d}" for number in range(70)]
LABELS = np.arange(70) % 7
INTERVAL = Figure(-0.1, -0.15, -0.05)


def write(study: Study, folder: Path) -> None:
    """Make the study's figures up; they say that they are of the present files."""
    figures = {**asdict(_MAKERS[study.kind](study)), "sound": study.sound}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{study.name}.json").write_text(json.dumps(figures), encoding="utf-8")


def version(told: Version) -> dict[str, Any]:
    """A file's hash and what is served of it, as the studies' dataclasses take it."""
    return {"sha256": told.sha256, "served": told.served}


def _scores() -> Scores:
    probs = np.full((len(LABELS), 7), 0.05, dtype=np.float32)
    probs[np.arange(len(LABELS)), np.where(np.arange(len(LABELS)) % 3 == 0, 0, LABELS)] = 0.7
    return score(probs, LABELS, NAMES)


def _paired() -> Paired:
    return compare(np.arange(70) % 2 == 0, np.arange(70) % 3 == 0, LABELS, NAMES)


def _evaluated(study: Study) -> Report:
    own = _scores()
    fixed: Mapping[str, Any] = {"remarks": (), "unreadable": (), "without_reading": 1, "answer": "acted"}
    corpus = study.arguments[study.arguments.index("--dataset") + 1]
    return Report(
        model=study.about,
        **version(study.made_of[0]),
        dataset=corpus,
        protocol="made up",
        untempered_calibration_error=0.2,
        test=own,
        clean=own,
        told=own if "--classes" in study.arguments else None,
        **fixed,
    )


def _better(study: Study) -> BetterThan:
    model, than = (
        ComparedFile(_of_file(name, told, study.arguments[-1]), "acted", 1)
        for name, told in zip((study.about, "baseline"), study.made_of, strict=True)
    )
    return BetterThan("speech" if "speech" in study.about else "face", "made up", model, than, 2, _paired())


def _compared(study: Study) -> FormatComparison:
    by_class = {"angry": 0.98, "happy": 1.0}
    rounded = Difference(0.99, by_class, 0.01, 0.1, newly_wrong=2, newly_right=1, mcnemar_p=1.0)
    forms = (
        FormatFigures("float32", "float.tflite", "0" * 64, 4000, _scores(), None),
        FormatFigures("int8", "int8.tflite", study.made_of[0].sha256, 1000, _scores(), rounded),
    )
    return FormatComparison(study.about, "0" * 64, study.made_of[0].served, "fer2013", "made up", (), 8, forms)


def _of_layers(study: Study) -> Sensitivity:
    harm = Harm(0.01, 2)
    return Sensitivity(
        model=study.about,
        net_sha256="0" * 64,
        served=study.made_of[0].served,
        int8_sha256=study.made_of[0].sha256,
        dataset="fer2013",
        protocol="made up",
        samples=70,
        calibrated_on=8,
        whole=harm,
        layers=(LayerHarm("first_layer", "Conv2D", harm),),
    )


def _parts(study: Study) -> tuple[Part, ...]:
    return tuple(_of_file(study.about, told, "made-up") for told in study.made_of)


def _of_file(model: str, told: Version, dataset: str) -> Part:
    return Part(
        model=model,
        **version(told),
        dataset=dataset,
        protocol="made up",
        remarks=(),
        unreadable=(),
        samples=70,
    )


def _worse(study: Study) -> Robustness:
    outcome = RobustnessOutcome(0, 0.0, _scores())
    levels = [("blur", 1.0, "px"), ("blur", 2.0, "px"), ("eyes hidden", None, "")]
    conditions = tuple(
        Condition(
            name=family if level is None else f"{family} {level:g} {unit}",
            family=family,
            level=level,
            unit=unit,
            what="made up",
            degraded=outcome,
            against_clean=_paired(),
        )
        for family, level, unit in levels
    )
    kind = "face" if "face" in study.about else "speech"
    return Robustness(kind, "made up", _parts(study), 70, 4, outcome, conditions)


def _by_sex(study: Study) -> Fairness:
    of_sex = tuple(SexFigures(sex, 2, 35, 0, INTERVAL, INTERVAL) for sex in Sex)
    gap = Gap(INTERVAL, 0.3, 100)
    actors = tuple(ActorFigures(f"Actor_{number:02d}", list(Sex)[number % 2], 17, 0, 0.5) for number in range(4))
    return Fairness("made up", _parts(study), 70, of_sex, gap, gap, actors)


def _fused(study: Study) -> FusionStudy:
    face, speech, *nets = study.made_of
    systems = tuple(
        System(name, _scores(), *(None if name == other else _paired() for other in ("speech", "average")))
        for name in ("face", "speech", "average", "product")
    )
    same = SamePerformance(
        face="a face net",
        speech="baseline-speech",
        speech_files=tuple(f"a file {sha256}" for sha256 in nets),
        protocol="made up, of the rule `average`",
        samples=70,
        left_out=1,
        better_single="speech",
        systems=systems,
        learned={"face": 1.0, "speech": 1.0},
        repaired=Repaired(2, 1, (RepairedRule("average", 0.6, 0.7, 0.01),)),
    )
    simulated = Simulated(
        face="a",
        face_sha256=face.sha256,
        face_served=face.served,
        speech="b",
        speech_sha256=speech.sha256,
        speech_served=speech.served,
        protocol="made up",
        faces=70,
        voices=70,
        draws=2,
        seed=1,
        systems=(SimulatedSystem("average", 0.6, 0.01, 0.6),),
    )
    return FusionStudy(study.about, simulated, (same,), {"face": 1.0, "speech": 1.0})


def _split(study: Study) -> SplitLeakage:
    row = ProtocolRow("by actor", "no actor is on both sides", 70, 0, 0, _scores())
    return SplitLeakage(study.made_of, seed=1, rows=(row,))


def _chosen(study: Study) -> ServedStudy:
    sha256, rule, of_threshold = study.made_of
    on = {"made-up": OnLabels(70, 0.6, 0.5, 0.1, 0.9)}
    first, second = (Candidate(single_head(heads=2), name, loss, on) for name, loss in (("this", 0.8), ("that", 0.9)))
    return ServedStudy(
        model=study.about,
        net_sha256="0" * 64,
        sha256=sha256,
        rule=rule,
        samples={"made-up": 70},
        served=first.served,
        candidates=(first, second),
        threshold=Threshold(of_threshold, 1.0, 0.0, 0.4, 0.1, 0.3),
    )


def _of_prosody(study: Study) -> ProsodyStudy:
    strengths = tuple(AtStrength(at, {"ravdess": 0.7, "tess": 0.5, "nemo": 0.37}) for at in (0.0, 3.0))
    return ProsodyStudy(study.about, study.made_of, 70, 3.0, strengths)


_MAKERS: Mapping[str, Callable[[Study], Any]] = {
    "scores": _evaluated,
    "better-than": _better,
    "formats": _compared,
    "sensitivity": _of_layers,
    "robustness": _worse,
    "fairness": _by_sex,
    "fusion": _fused,
    "prosody": _of_prosody,
    "split-leakage": _split,
    "served": _chosen,
}
