"""Figures of no model, in the shapes that the studies write: each is made of the study's own dataclasses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from device.models.card import Served, alone
from quantize.against import Against, Side
from quantize.cases import Part
from quantize.certainty import Threshold
from quantize.checkpoints import Epoch, Training
from quantize.evaluate import Report
from quantize.fairness import ActorFigures, Fairness, Gap, SexFigures
from quantize.formats import Comparison, Difference, Form
from quantize.fusion.compare import SamePerformance, System
from quantize.fusion.missing import Loss
from quantize.fusion.people import People
from quantize.fusion.repaired import Repaired, RepairedRule
from quantize.fusion.simulated import Simulated, SimulatedSystem
from quantize.fusion.study import FusionStudy
from quantize.layers import Harm, LayerHarm, LayerReport
from quantize.measured import Histories, Study
from quantize.metrics import Figure, Scores, score
from quantize.paired import Interval, Paired, compare
from quantize.prosody_study import Choice, ProsodyStudy
from quantize.prosody_ways import Fit, Trial, Way
from quantize.protocol import Protocols, Row
from quantize.robustness import Condition, Outcome, Robustness
from quantize.served_study import ServedStudy
from quantize.serving import Candidate, OnLabels
from quantize.sexes import Sex

NAMES = [f"Actor_{number % 4:02d}" for number in range(70)]
LABELS = np.arange(70) % 7
INTERVAL = Interval(-0.1, -0.15, -0.05)


def write(study: Study, folder: Path) -> None:
    """Make the study's figures up; they say that they are of the present files."""
    figures = {**asdict(_MAKERS[study.kind](study)), "sound": study.sound}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{study.name}.json").write_text(json.dumps(figures), encoding="utf-8")


def version(told: Mapping[str, Any]) -> dict[str, Any]:
    """A file's hash and what is served of it, as the studies' dataclasses take it."""
    return {"sha256": told["sha256"], "served": served(told)}


def served(told: Mapping[str, Any]) -> Served:
    own = told["served"]
    weights, exponents = tuple(own["weights"]), tuple(own["prior_exponents"])
    return Served(weights, tuple(map(tuple, own["priors"])), exponents, own["temperature"])


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


def _better(study: Study) -> Against:
    model, than = (
        Side(_of_file(name, told, study.arguments[-1]), "acted", 1)
        for name, told in zip((study.about, "baseline"), study.made_of, strict=True)
    )
    return Against("speech" if "speech" in study.about else "face", "made up", model, than, 2, _paired())


def _trained(study: Study) -> Histories:
    earlier = Training("what it grew from", 1, True, (Epoch(1, 0.9, 1.9, 0.15),))
    chosen = Epoch(**study.made_of)
    if chosen.validation_accuracy is None:
        return Histories((earlier, Training(study.about, 1, False, (chosen,))))
    return Histories((earlier, Training(study.about, 1, True, (chosen, Epoch(2, 0.4, 1.6, 0.1)))))


def _compared(study: Study) -> Comparison:
    by_class = {"angry": 0.98, "happy": 1.0}
    rounded = Difference(0.99, by_class, 0.01, 0.1, newly_wrong=2, newly_right=1, mcnemar_p=1.0)
    forms = (
        Form("float32", "float.tflite", "0" * 64, 4000, _scores(), None),
        Form("int8", "int8.tflite", study.made_of[0]["sha256"], 1000, _scores(), rounded),
    )
    return Comparison(study.about, "0" * 64, served(study.made_of[0]), "fer2013", "made up", (), 8, forms)


def _of_layers(study: Study) -> LayerReport:
    harm = Harm(0.01, 2)
    return LayerReport(
        model=study.about,
        net_sha256="0" * 64,
        served=served(study.made_of[0]),
        float_sha256="0" * 64,
        int8_sha256=study.made_of[0]["sha256"],
        dataset="fer2013",
        protocol="made up",
        samples=70,
        calibrated_on=8,
        whole=harm,
        layers=(LayerHarm("first_layer", "Conv2D", ("CONV_2D",), harm, harm),),
        operations=(),
        finding="int8 hurts most in first_layer",
    )


def _parts(study: Study) -> tuple[Part, ...]:
    return tuple(_of_file(study.about, told, "made-up") for told in study.made_of)


def _of_file(model: str, told: Mapping[str, Any], dataset: str) -> Part:
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
    outcome = Outcome(0, 0.0, _scores(), 0.7)
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
            where_read=None,
            same_answer=0.9,
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
    figure = Figure(0.6, 0.5, 0.7)
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
        forms=(),
        fits=(),
        learned={"face": 1.0, "speech": 1.0},
        by_emotion=(),
        repaired=Repaired(2, 1, 0.1, 0.09, (RepairedRule("average", 0.6, 0.7, 0.01),)),
        losses=(Loss("face", "absent", "average", 0.5, 0.5, INTERVAL, 0.1, None, None),),
    )
    simulated = Simulated(
        face="a",
        face_sha256=face["sha256"],
        face_served=served(face),
        speech="b",
        speech_sha256=speech["sha256"],
        speech_served=served(speech),
        protocol="made up",
        faces=70,
        voices=70,
        draws=2,
        seed=1,
        systems=(SimulatedSystem("average", 0.6, 0.01, 0.6),),
    )
    people = People(70, 4, figure, figure, figure, INTERVAL, {})
    return FusionStudy(study.about, simulated, (same,), {"face": 1.0, "speech": 1.0}, people)


def _split(study: Study) -> Protocols:
    row = Row("by actor", "no actor is on both sides", 70, 0, 0, _scores())
    return Protocols(**study.made_of, seed=1, rows=(row,))


def _chosen(study: Study) -> ServedStudy:
    rule, of_threshold = study.made_of["rules"]
    on = {"made-up": OnLabels(70, 0.6, 0.5, 0.1, 0.9)}
    first, second = (Candidate(alone(answers=2), name, loss, on) for name, loss in (("this", 0.8), ("that", 0.9)))
    return ServedStudy(
        model=study.about,
        net_sha256="0" * 64,
        sha256=study.made_of["sha256"],
        rule=rule,
        samples={"made-up": 70},
        served=first.served,
        candidates=(first, second),
        threshold=Threshold(of_threshold, 1.0, 0.0, 0.4, 0.1, 0.3),
    )


def _of_prosody(study: Study) -> ProsodyStudy:
    ways = [Way(Fit({"ravdess": 0.1, "tess": 0.6, "nemo": 0.3}, 0.2), strength) for strength in (0.0, 3.0)]
    trials = tuple(Trial(way, {"ravdess": 0.7, "tess": 0.5, "nemo": 0.37}) for way in ways)
    choices = (
        Choice("tess", ("ravdess", "nemo"), trials[0], _scores()),
        Choice("nemo", ("ravdess", "tess"), trials[0], _scores()),
    )
    return ProsodyStudy(study.about, study.made_of, 70, trials, trials[1], choices)


_MAKERS: Mapping[str, Callable[[Study], Any]] = {
    "scores": _evaluated,
    "against": _better,
    "training": _trained,
    "formats": _compared,
    "layers": _of_layers,
    "robustness": _worse,
    "fairness": _by_sex,
    "fusion": _fused,
    "prosody": _of_prosody,
    "protocol": _split,
    "served": _chosen,
}
