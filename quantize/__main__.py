"""``python -m quantize train | convert | evaluate | describe``: from a corpus to an int8 file and what it is worth."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console

from device.errors import AffectdError
from device.models.card import read_card
from device.readings import EMOTIONS, Emotion
from quantize import calibration, tables
from quantize.checkpoints import write_beside
from quantize.datasets import NAMES, Split, find_dataset, of_emotions
from quantize.evaluate import evaluate
from quantize.hearing import heard_for_training
from quantize.model_card import model_card
from quantize.recipes import RECIPES, Recipe, find_recipe

SEED = 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. What goes wrong is one line on stderr."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    options = _parser().parse_args(arguments)
    try:
        options.command(options)
    except AffectdError as error:
        Console(stderr=True, soft_wrap=True).print(f"quantize: {error}", markup=False, highlight=False)
        return error.exit_code
    except KeyboardInterrupt:
        Console(stderr=True).print("\nquantize: stopped; the last checkpoint is kept, the same command goes on from it")
        return 130
    return 0


def _train(options: argparse.Namespace) -> None:
    from quantize.train import train

    recipe = find_recipe(options.model)
    split = heard_for_training(recipe.front_end, recipe.dataset.split(options.root))
    _tell_what_lacks(split)
    epochs = recipe.epochs if options.epochs is None else options.epochs
    training = train(recipe, split, _run(options, recipe), seed=options.seed, epochs=epochs)
    best = training.best
    Console().print(
        f"best epoch {best.number} of {len(training.epochs)}: "
        f"validation accuracy {100 * best.validation_accuracy:.1f} %; next: python -m quantize convert {recipe.id}"
    )


def _tell_what_lacks(split: Split) -> None:
    unreadable = dict.fromkeys((*split.train.unreadable, *split.validation.unreadable))
    for line in (*split.remarks, *tables.of_unreadable(list(unreadable))):
        Console(stderr=True, soft_wrap=True).print(line, markup=False, highlight=False)


def _convert(options: argparse.Namespace) -> None:
    from quantize.publish import publish

    recipe = find_recipe(options.model)
    pinned = options.calibration or calibration.FOLDER / f"{recipe.id}.json"
    split = recipe.dataset.split(options.root)
    reports = publish(recipe, split, run=_run(options, recipe), calibration_path=pinned, folder=options.out)
    for report in reports:
        Console().print(tables.of_report(report))


def _evaluate(options: argparse.Namespace) -> None:
    dataset = find_dataset(options.dataset, read_card(options.model.with_suffix(".json")).kind)
    split = dataset.split(options.root)
    if options.classes:
        split = replace(split, test=of_emotions(split.test, options.classes))
    report = evaluate(options.model, dataset.name, split)
    Console().print(tables.of_report(report))
    if options.json:
        write_beside(options.json, (json.dumps(asdict(report), indent=1) + "\n").encode())


def _describe(options: argparse.Namespace) -> None:
    write_beside(options.out / "MODEL_CARD.md", model_card(options.out).encode())


def _run(options: argparse.Namespace, recipe: Recipe) -> Path:
    return Path(options.run or Path("runs") / recipe.id)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quantize", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a net; the same command goes on where it was stopped")
    _add_model_and_run(train)
    train.add_argument("--seed", type=_natural, default=SEED)
    train.add_argument("--epochs", type=_natural, help="at most so many (default: the recipe's)")
    train.set_defaults(command=_train)

    convert = commands.add_parser("convert", help="make the int8 file and its card of a trained net, and score both")
    _add_model_and_run(convert)
    convert.add_argument("--out", type=Path, default=Path("models_tflite"), help="where file and card go")
    convert.add_argument("--calibration", type=Path, help="the pinned calibration set (drawn if it is not there)")
    convert.set_defaults(command=_convert)

    score = commands.add_parser("evaluate", help="score a .tflite file, whose card stands beside it, on a corpus")
    score.add_argument("--model", type=Path, required=True, metavar="FILE")
    score.add_argument("--dataset", choices=NAMES, required=True)
    _add_root(score)
    score.add_argument(
        "--classes", type=Emotion, nargs="+", metavar="EMOTION", help=f"only samples of these: {' '.join(EMOTIONS)}"
    )
    score.add_argument("--json", type=Path, metavar="OUT", help="write all figures there, too")
    score.set_defaults(command=_evaluate)

    describe = commands.add_parser("describe", help="write MODEL_CARD.md from the models' cards")
    describe.add_argument("--out", type=Path, default=Path("models_tflite"), help="the folder of the models")
    describe.set_defaults(command=_describe)
    return parser


def _add_model_and_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
    _add_root(parser)
    parser.add_argument("--run", type=Path, metavar="DIR", help="checkpoints (default: runs/MODEL)")


def _add_root(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root", type=Path, required=True, metavar="DIR", help="the corpus's folder, or the one that holds it"
    )


def _natural(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
