"""The fusion study: all that is measured of fusion, as one result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import track

from device.models.sets import ModelSet, load_set
from device.readings import Modality
from quantize.datasets import FER2013, RAVDESS, RAVDESS_FOLDS, DatasetError
from quantize.datasets.ravdess import CLIPS_AN_ACTOR, FOLDS
from quantize.evaluation.evaluate import Version
from quantize.studies.fusion.openface import (
    FACE_NETS,
    VOICE_NET,
    OpenFaceNet,
    PerformanceProbs,
    performance,
    performance_probs,
)
from quantize.studies.fusion.performances import paired_up
from quantize.studies.fusion.same_performance import SamePerformance, same_performance
from quantize.studies.fusion.simulated import Simulated, answered, simulated
from quantize.studies.pooled import fold_nets

PERFORMANCES = CLIPS_AN_ACTOR * sum(len(actors) for actors in FOLDS)


@dataclass(frozen=True, slots=True)
class FusionStudy:
    """The published protocol, and the same performance: every net that sees with every one that hears.

    ``learned`` are the powers of the appliance's rule of that name: of our voice net, if its folds are given, the mean
    over the nets that see, none of which is ours, to one decimal because those differ by more.
    """

    model_set: str
    simulated: Simulated
    same_performance: tuple[SamePerformance, ...]
    learned: Mapping[str, float]

    @property
    def made_of(self) -> tuple[Version | str, ...]:
        """Both files, and the hashes of the fold nets that hear."""
        folds = (file.rpartition(" ")[2] for file in self.same_performance[0].speech_files)
        return (*self.simulated.files, *folds)


def study(root: Path, *, models: Path, model_set: str = "", speech_folds: Path | None = None) -> FusionStudy:
    """Measure. Without ``speech_folds`` only the corpus's own voice net is heard.

    Raises ``ConfigError``, ``ModelError`` and ``DatasetError``.
    """
    chosen = load_set(models, model_set)
    files = fold_files(speech_folds, chosen.folder / chosen.card(Modality.SPEECH).file) if speech_folds else []
    faces, voices = _simulated(chosen, root), list(_voices(root, files))
    pairs = [(seen, *voice) for voice in voices for seen in FACE_NETS]
    together = tuple(_together(root, *pair) for pair in track(pairs, "fusing", transient=True))
    return FusionStudy(
        model_set=chosen.name,
        simulated=faces,
        same_performance=together,
        learned=_learned(together[: len(FACE_NETS)]),
    )


def _simulated(chosen: ModelSet, root: Path) -> Simulated:
    seen = answered(chosen.folder / chosen.card(Modality.FACE).file, FER2013.split(root).test)
    return simulated(seen, answered(chosen.folder / chosen.card(Modality.SPEECH).file, RAVDESS.split(root).test))


def _voices(root: Path, files: list[Path]) -> Iterator[tuple[str, tuple[str, ...], PerformanceProbs]]:
    """Who hears: ours if there are files, and the corpus's own."""
    if files:
        said, asked = voice_answers(files, root)
        yield files[0].stem.removesuffix("-f0"), asked, said
    yield VOICE_NET.name, (), performance_probs(root, VOICE_NET)


def _together(
    root: Path, seen: OpenFaceNet, name: str, files: tuple[str, ...], heard: PerformanceProbs
) -> SamePerformance:
    performances = paired_up(performance_probs(root, seen), heard)
    left_out = PERFORMANCES - len(performances.names)
    return same_performance(performances, face=seen.name, speech=name, speech_files=files, left_out=left_out)


def _learned(results: Sequence[SamePerformance]) -> dict[str, float]:
    return {
        str(modality): round(sum(result.learned[modality] for result in results) / len(results), 1)
        for modality in Modality
    }


def fold_files(folder: Path, shipped: Path) -> list[Path]:
    """``fold_nets`` of the shipped file in ``folder``. Raises ``DatasetError`` where one is not there."""
    files = fold_nets(shipped, folder)
    if not files:
        raise DatasetError(f"{folder}: {shipped.stem}-fK.tflite is not there; one is needed for each fold but its own")
    return files


def voice_answers(files: list[Path], root: Path) -> tuple[PerformanceProbs, tuple[str, ...]]:
    """Each fold's answers by its own file, by performance; and the files, each with the start of its sha256."""
    answers: PerformanceProbs = {}
    asked = []
    for fold, path in enumerate(files):
        own = answered(path, RAVDESS_FOLDS[fold].split(root).test)
        answers.update({performance(name): probs for name, probs in zip(own.names, own.probs, strict=True)})
        asked.append(f"{own.model} {own.sha256}")
    return answers, tuple(asked)
