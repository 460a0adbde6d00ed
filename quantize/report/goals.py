"""What the models are to reach, and what they reach."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import mean

from device.models.card import Card
from device.models.sets import ModelSet
from quantize.datasets.ravdess import FOLDS, TEST_FOLD
from quantize.made_of import Json
from quantize.reliability import ReliabilityBin, error, together
from quantize.report.parts import Content, Table
from quantize.report.results import Results
from quantize.report.tried import tried
from quantize.report.units import megabytes, millions, points, share, small
from quantize.report.wording import NONE

Value = float | None


@dataclass(frozen=True, slots=True)
class Goal:
    """One line; ``at_least`` says which way is better, ``told`` writes a value with so many digits more than usual."""

    what: str
    must: float
    aim: float
    at_least: bool
    told: Callable[[float, int], str]
    reached: Callable[[Results, ModelSet], Value]

    def fulfils(self, value: float, limit: float) -> bool:
        """Whether a value reaches the must, or the aim."""
        return value >= limit if self.at_least else value <= limit


def content(results: Results) -> Content:
    """The table of goals."""
    columns = ["goal", "must", "aim", *(chosen.name for chosen in results.sets)]
    rows = [_row(goal, results) for goal in GOALS]
    caption = (
        "● the aim is reached, ○ the must is, ✕ neither; – not measured. Int8 files, one view, as they ship. What "
        "prosody counts in affectd-1-speech was chosen with RAVDESS, TESS and nEMO in view, so those figures are too "
        "good; the lines 'chosen without it' say what is left where the corpus had no say in that: they are no "
        "file's, and the rest was still chosen with it ('What prosody counts'). The face's int8 file is the third of "
        "this net that was scored on PrivateTest (models_tflite/MODEL_CARD.md)."
    )
    return Content(sentences=list(_missed(results)), shown=[Table(caption, columns, rows)])


def _missed(results: Results) -> Iterator[str]:
    """What the set that is shown last, the newest, does not reach, and what was tried."""
    for goal in GOALS:
        value = goal.reached(results, results.sets[-1])
        if value is not None and not goal.fulfils(value, goal.must):
            yield f"Not reached by {results.sets[-1].name}: {goal.what}. {tried(goal.what)}".strip()


def _row(goal: Goal, results: Results) -> list[str]:
    sign = "≥" if goal.at_least else "≤"
    asked = [f"{sign} {goal.told(limit, 0)}" for limit in (goal.must, goal.aim)]
    return [goal.what, *asked, *(_reached(goal, goal.reached(results, chosen)) for chosen in results.sets)]


def _reached(goal: Goal, value: Value) -> str:
    if value is None:
        return NONE
    mark = "●" if goal.fulfils(value, goal.aim) else "○" if goal.fulfils(value, goal.must) else "✕"
    # A figure that is missed by less than its last digit would look as if it were reached.
    is_near = any(
        not goal.fulfils(value, at) and goal.told(value, 0) == goal.told(at, 0) for at in (goal.must, goal.aim)
    )
    return f"{goal.told(value, 2 if is_near else 0)} {mark}"


def _score(corpus: str, part: str, figure: str) -> Callable[[Results, ModelSet], Value]:
    def reached(results: Results, chosen: ModelSet) -> Value:
        found = results.scores(f"{chosen.face.id}-{corpus}")
        return None if found is None else float(found[part][figure]["value"])

    return reached


def _of_folds(results: Results, chosen: ModelSet) -> list[Json | None]:
    """What each fold of RAVDESS is scored with, by the net that has not heard its actors."""
    model = chosen.speech.id
    others = [f"{model}-f{fold}-ravdess-f{fold}" for fold in range(len(FOLDS))]
    return [results.scores(f"{model}-ravdess" if fold == TEST_FOLD else name) for fold, name in enumerate(others)]


def _folds(results: Results, chosen: ModelSet) -> Value:
    found = _of_folds(results, chosen)
    values = [float(report["test"]["accuracy"]["value"]) for report in found if report is not None]
    return mean(values) if len(values) == len(found) else None


def _unseen(corpus: str) -> Callable[[Results, ModelSet], Value]:
    def reached(results: Results, chosen: ModelSet) -> Value:
        model = chosen.speech.id
        found = results.scores(f"{model}-without-{corpus}-{corpus}") or results.scores(f"{model}-{corpus}")
        return None if found is None else float((found["told"] or found["test"])["uar"]["value"])

    return reached


def _unseen_and_unasked(corpus: str) -> Callable[[Results, ModelSet], Value]:
    """With what prosody counts chosen by the best plain mean of all other corpora."""

    def reached(results: Results, chosen: ModelSet) -> Value:
        for study, found in results.current("prosody"):
            if study.about == chosen.speech.id:
                asked = [choice for choice in found["choices"] if choice["corpus"] == corpus]
                own = max(asked, key=lambda choice: len(choice["chosen_by"]))
                return float(own["scores"]["uar"]["value"])
        return None

    return reached


def _fused(results: Results, chosen: ModelSet) -> Value:
    """The least gain of the set's best rule over the better modality, with our voice net and each that sees."""
    for study, found in results.current("fusion"):
        ours = [same for same in found["same_performance"] if same["speech_files"]]
        if study.about == chosen.name and ours:
            return min(_best_gain(same) for same in ours)
    return None


def _best_gain(same: Json) -> float:
    gains = [system["against_better_single"] for system in same["systems"]]
    return max(float(gain["accuracy_difference"]["value"]) for gain in gains if gain is not None)


def _int8_loss(results: Results, chosen: ModelSet) -> Value:  # noqa: ARG001 - the cards know
    return max(loss for card in (chosen.face, chosen.speech) for loss in _losses(card))


def _losses(card: Card) -> Iterator[float]:
    metrics = card.about["metrics"]
    for corpus, report in metrics["int8"].items():
        float32 = metrics["float32"][corpus]["test"]["accuracy"]["value"]
        yield abs(report["test"]["accuracy"]["value"] - float32)


def _worst_calibration(results: Results, chosen: ModelSet) -> Value:
    wanted = (f"{chosen.face.id}-fer2013", f"{chosen.face.id}-ferplus", f"{chosen.speech.id}-ravdess")
    found = [results.scores(name) for name in wanted]
    errors = [float(report["test"]["calibration_error"]) for report in found if report is not None]
    return max(errors, default=None)


def _calibration_of_folds(results: Results, chosen: ModelSet) -> Value:
    """Of all 24 actors: a fold's few clips have an error by chance that is larger than the goal."""
    found = [_bins(report) for report in _of_folds(results, chosen) if report is not None]
    return error(together(found)) if len(found) == len(FOLDS) else None


def _bins(report: Json) -> list[ReliabilityBin]:
    return [ReliabilityBin(**own) for own in report["test"]["reliability"]]


def _instructions(kind: str) -> Callable[[Results, ModelSet], Value]:
    def reached(results: Results, chosen: ModelSet) -> Value:
        return results.instructions_of(chosen.face if kind == "face" else chosen.speech)

    return reached


def _size(results: Results, chosen: ModelSet) -> Value:  # noqa: ARG001 - the files are there
    return sum((chosen.folder / card.file).stat().st_size for card in (chosen.face, chosen.speech))


GOALS = (
    Goal("FER2013 PrivateTest, all: accuracy", 0.705, 0.73, True, share, _score("fer2013", "test", "accuracy")),
    Goal("FER2013 PrivateTest, clean: accuracy", 0.69, 0.72, True, share, _score("fer2013", "clean", "accuracy")),
    Goal("FER2013 PrivateTest, all: UAR", 0.67, 0.70, True, share, _score("fer2013", "test", "uar")),
    Goal("FER+ majority, 7 classes, test: accuracy", 0.84, 0.87, True, share, _score("ferplus", "test", "accuracy")),
    Goal("RAVDESS, unseen actors, mean of 5 folds: accuracy", 0.62, 0.72, True, share, _folds),
    Goal("TESS, unseen corpus, 4 classes: UAR", 0.45, 0.60, True, share, _unseen("tess")),
    Goal("TESS, the same, prosody chosen without it: UAR", 0.45, 0.60, True, share, _unseen_and_unasked("tess")),
    Goal("nEMO, unseen corpus, 4 classes: UAR", 0.45, 0.60, True, share, _unseen("nemo")),
    Goal("nEMO, the same, prosody chosen without it: UAR", 0.45, 0.60, True, share, _unseen_and_unasked("nemo")),
    Goal("fused over the better modality, same performance", 0.04, 0.08, True, points, _fused),
    Goal("int8 against its float32: largest difference", 0.007, 0.002, False, points, _int8_loss),
    Goal("calibration error, the worst of both files' tests", 0.05, 0.02, False, small, _worst_calibration),
    Goal("calibration error on RAVDESS, all folds together", 0.05, 0.02, False, small, _calibration_of_folds),
    Goal("arm64 instructions, face net", 40e6, 15e6, False, millions, _instructions("face")),
    Goal("arm64 instructions, speech net", 40e6, 15e6, False, millions, _instructions("speech")),
    Goal("both files", 2.5e6, 1e6, False, megabytes, _size),
)
