"""All that is measured of fusion, as one result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.progress import track

from device.models.sets import ModelSet, load_set
from device.readings import Modality
from quantize.datasets import FER2013, RAVDESS
from quantize.datasets.ravdess import CLIPS_AN_ACTOR, FOLDS
from quantize.fusion.compare import Nets, SamePerformance, same_performance
from quantize.fusion.nets import answered, fold_files, voice_answers
from quantize.fusion.openface import FACE_NETS, VOICE_NET, Answers, Net, answers
from quantize.fusion.people import People, people
from quantize.fusion.performances import paired_up
from quantize.fusion.simulated import Simulated, simulated

PERFORMANCES = CLIPS_AN_ACTOR * sum(len(actors) for actors in FOLDS)


@dataclass(frozen=True, slots=True)
class FusionStudy:
    """The published protocol, the same performance (every net that sees with every one that hears), and people.

    ``learned`` are the powers of the appliance's rule of that name: of our voice net, if its folds are given, the mean
    over the nets that see, none of which is ours, to one decimal because those differ by more.
    """

    model_set: str
    simulated: Simulated
    same_performance: tuple[SamePerformance, ...]
    learned: Mapping[str, float]
    people: People


def study(root: Path, *, models: Path, model_set: str = "", speech_folds: Path | None = None) -> FusionStudy:
    """Measure. Without ``speech_folds`` only the corpus's own voice net is heard.

    Raises ``ConfigError``, ``ModelError`` and ``DatasetError``.
    """
    chosen = load_set(models, model_set)
    files = fold_files(speech_folds, chosen.folder / chosen.speech.file) if speech_folds else []
    faces, voices = _simulated(chosen, root), list(_voices(root, files))
    pairs = [(seen, *voice) for voice in voices for seen in FACE_NETS]
    together = tuple(_together(root, *pair) for pair in track(pairs, "fusing", transient=True))
    return FusionStudy(
        model_set=chosen.name,
        simulated=faces,
        same_performance=together,
        learned=_learned(together[: len(FACE_NETS)]),
        people=people(root),
    )


def _simulated(chosen: ModelSet, root: Path) -> Simulated:
    seen = answered(chosen.folder / chosen.face.file, FER2013.split(root).test)
    return simulated(seen, answered(chosen.folder / chosen.speech.file, RAVDESS.split(root).test))


def _voices(root: Path, files: list[Path]) -> Iterator[tuple[str, tuple[str, ...], Answers]]:
    """Who hears: ours if there are files, and the corpus's own."""
    if files:
        said, asked = voice_answers(files, root)
        yield files[0].stem.removesuffix("-f0"), asked, said
    yield VOICE_NET.name, (), answers(root, VOICE_NET)


def _together(root: Path, seen: Net, name: str, files: tuple[str, ...], heard: Answers) -> SamePerformance:
    performances = paired_up(answers(root, seen), heard)
    left_out = PERFORMANCES - len(performances.names)
    return same_performance(performances, Nets(seen.name, name, files), left_out=left_out)


def _learned(results: Sequence[SamePerformance]) -> dict[str, float]:
    return {
        str(modality): round(sum(result.learned[modality] for result in results) / len(results), 1)
        for modality in Modality
    }
