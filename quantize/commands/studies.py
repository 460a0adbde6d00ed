"""The commands of the studies: each measures, writes its figures, and prints the tables that the report has of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from device.models.card import read_card
from device.readings import EMOTIONS, Emotion
from quantize.commands.options import add_labels, add_model, add_net, add_root, labels_of, natural
from quantize.datasets import NAMES, DatasetError
from quantize.evaluation.evaluate import dataset_for, evaluate_corpus, kind_of
from quantize.recipes.registry import find_recipe
from quantize.studies import (
    better_than,
    fairness,
    formats,
    prosody,
    robustness,
    sensitivity,
    served,
    split_leakage,
)
from quantize.studies.fusion import study as fusion
from quantize.studies.pooled import Files
from quantize.studies.study import MEASURED, Figures, write_figures
from quantize.training.recipe import SEED
from quantize.training.shipped import CROSS_VALIDATION_FOLDER, MODELS_FOLDER, RUNS_FOLDER, folder_of

Parser = argparse.ArgumentParser
Options = argparse.Namespace

DATASET_OF = {"face": "fer2013", "speech": "ravdess"}


@dataclass(frozen=True, slots=True)
class _Command:
    """``earlier`` is a name that the command had before; ``figures``, where it writes unless ``--json`` says so."""

    name: str
    about: str
    add_options: Callable[[Parser], None]
    measure: Callable[[Options], Figures]
    figures: str | None = None
    earlier: tuple[str, ...] = ()
    goes_on: bool = False


def add_to(commands: argparse._SubParsersAction[Parser]) -> None:
    """Declare all of them."""
    for own in _COMMANDS:
        parser = commands.add_parser(own.name, help=own.about, aliases=own.earlier)
        own.add_options(parser)
        default = MEASURED / f"{own.figures}.json" if own.figures else None
        shown = f"write all figures there, too{f' (default: {default})' if default else ''}"
        parser.add_argument("--json", type=Path, default=default, metavar="OUT", help=shown)
        parser.set_defaults(command=run, measure=own.measure, study=own.name, goes_on=own.goes_on)


def measured(arguments: Sequence[str]) -> Figures:
    """The figures of a study, by what is typed for it. Raises ``AffectdError``."""
    parser = Parser()
    add_to(parser.add_subparsers(required=True))
    options = parser.parse_args(arguments)
    found: Figures = options.measure(options)
    return found


def run(options: Options) -> None:
    """Measure, write the figures if a file is named, and print. Raises ``AffectdError``."""
    from quantize.report.terminal import show_figures, show_left_out

    figures = options.measure(options)
    if options.json:
        write_figures(options.json, figures)
    parts = getattr(figures, "parts", (figures,))
    show_left_out(*([told for part in parts for told in getattr(part, name, ())] for name in ("unreadable", "remarks")))
    show_figures(options.study, figures)
    if options.study == "served":
        _serve(options, figures)


def _serve(options: Options, found: served.ServedStudy) -> None:
    """Write the cards if asked; else say whether they are to be written."""
    recipe, card = find_recipe(options.model), options.models / f"{options.model}.json"
    lines = []
    if options.write:
        run = options.run or folder_of(recipe)
        written = served.write_cards(recipe, lambda data: data.split(options.root), found, run=run, shipped=card)
        lines = [f"written: {path}" for path in written]
    elif found.served != read_card(card).served:
        lines = [f"{card} says otherwise; --write makes it say so"]
    for line in lines:
        Console(soft_wrap=True).print(line, highlight=False, markup=False)


def _evaluate(parser: Parser) -> None:
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--dataset", choices=NAMES, required=True)
    add_root(parser)
    about = f"only samples of these: {' '.join(EMOTIONS)}"
    add_labels(parser)
    parser.add_argument("--classes", type=Emotion, nargs="+", default=(), metavar="EMOTION", help=about)


def _better_than(parser: Parser) -> None:
    parser.add_argument("--model", type=Path, required=True, metavar="FILE")
    parser.add_argument("--than", type=Path, required=True, metavar="FILE", help="the file that it may be better than")
    parser.add_argument("--dataset", choices=NAMES, required=True)
    add_root(parser)


def _net(parser: Parser) -> None:
    add_model(parser)
    add_net(parser)
    parser.add_argument("--calibration", type=Path, help="the pinned calibration set (drawn if it is not there)")


def _sensitivity(parser: Parser) -> None:
    _net(parser)
    parser.add_argument("--samples", type=natural, default=200, help="of the validation part (default: 200)")


def _files(parser: Parser) -> None:
    """Which model files, each on which data set: several are pooled, as the five folds of RAVDESS."""
    parser.add_argument("--model", type=Path, action="append", required=True, metavar="FILE", help="may be repeated")
    about = "one for each --model (default: fer2013 for faces, ravdess for voices)"
    parser.add_argument("--dataset", choices=NAMES, action="append", help=about)
    add_root(parser)


def files_of(options: Options) -> Files:
    """The files and their data sets. Raises ``DatasetError`` where there are not as many."""
    kinds = [kind_of(model) for model in options.model]
    names = options.dataset or [DATASET_OF.get(kind, "") for kind in kinds]
    if len(names) != len(kinds):
        raise DatasetError(f"{len(kinds)} models on {len(names)} data sets; name one --dataset for each --model")
    datasets = [dataset_for(name, model) for name, model in zip(names, options.model, strict=True)]
    return list(zip(options.model, datasets, strict=True))


def _fusion(parser: Parser) -> None:
    add_root(parser)
    parser.add_argument("--set", default="", metavar="NAME", help="the model set for the simulated protocol")
    parser.add_argument("--models", type=Path, default=MODELS_FOLDER, metavar="DIR", help="the folder of the sets")
    about = "the set's speech nets of RAVDESS's other folds, *-fK.tflite"
    parser.add_argument("--speech-folds", type=Path, metavar="DIR", help=about)


def _prosody(parser: Parser) -> None:
    parser.add_argument("--model", type=Path, default=MODELS_FOLDER / "affectd-1-speech.tflite", metavar="FILE")
    about = "its nets of other folds and corpora"
    parser.add_argument(
        "--cross-validation", "--witnesses", type=Path, default=CROSS_VALIDATION_FOLDER, metavar="DIR", help=about
    )
    add_root(parser)


def _split_leakage(parser: Parser) -> None:
    parser.add_argument("model", metavar="MODEL", help="a speech net, such as affectd-1-speech")
    add_root(parser)
    parser.add_argument("--runs", type=Path, default=RUNS_FOLDER, metavar="DIR", help="where its trainings go")
    parser.add_argument("--seed", type=natural, default=SEED)
    parser.add_argument("--epochs", type=natural, help="of each training (default: the recipe's)")


def _served(parser: Parser) -> None:
    add_model(parser)
    add_net(parser)
    parser.add_argument(
        "--models", type=Path, default=MODELS_FOLDER, metavar="DIR", help="of the int8 file and its card"
    )
    parser.add_argument("--write", action="store_true", help="write it into the cards of both forms, scored anew")


_COMMANDS = (
    _Command(
        "evaluate",
        "score a .tflite file, whose card stands beside it, on a corpus",
        _evaluate,
        lambda o: evaluate_corpus(o.model, o.dataset, o.classes, o.root, labels_of(o)),
    ),
    _Command(
        "served",
        "choose, on validation parts, what is served of a net's answers",
        _served,
        lambda o: served.study(find_recipe(o.model), o.root, run=o.run, shipped=o.models / f"{o.model}.json"),
    ),
    _Command(
        "better-than",
        "test whether a .tflite file is better than another, by more than chance",
        _better_than,
        lambda o: better_than.study(o.model, o.than, dataset_for(o.dataset, o.model, o.than), o.root),
        figures="better-than",
        earlier=("against",),
    ),
    _Command(
        "formats",
        "score a trained net as float32, float16, dynamic-range and int8 file",
        _net,
        lambda o: formats.study(find_recipe(o.model), o.root, run=o.run, calibration_path=o.calibration),
        earlier=("compare",),
    ),
    _Command(
        "sensitivity",
        "name the layer of a trained net that int8 hurts",
        _sensitivity,
        lambda o: sensitivity.study(
            find_recipe(o.model), o.root, run=o.run, calibration_path=o.calibration, samples=o.samples
        ),
        earlier=("layers",),
    ),
    _Command(
        "split-leakage",
        "what one speech net seems to be worth under three ways to split",
        _split_leakage,
        lambda o: split_leakage.study(find_recipe(o.model), o.root, o.runs, seed=o.seed, epochs=o.epochs),
        earlier=("protocol",),
        goes_on=True,
    ),
    _Command(
        "robustness",
        "score a .tflite file on worse and worse pictures or sounds",
        _files,
        lambda o: robustness.study(files_of(o), o.root),
        figures="robustness",
    ),
    _Command(
        "fairness",
        "score speech by the sex of those who speak",
        _files,
        lambda o: fairness.study(files_of(o), o.root),
        figures="fairness",
    ),
    _Command(
        "fusion",
        "score the fusion rules, simulated and on the same performance",
        _fusion,
        lambda o: fusion.study(o.root, models=o.models, model_set=o.set, speech_folds=o.speech_folds),
        figures="fusion-affectd-1",
    ),
    _Command(
        "prosody",
        "what prosody is to count in a speech net, chosen without the scores",
        _prosody,
        lambda o: prosody.study(o.model, o.cross_validation, o.root),
        figures="prosody-affectd-1-speech",
    ),
)
