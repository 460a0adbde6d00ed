"""What is served of a net that ships, chosen anew by the rule, and written into the cards of both its forms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from device.models.card import Card, Served, read_card, verify_file
from device.models.tflite import TfliteModel
from quantize import cards, checkpoints, convert, serving
from quantize.answers import served_of
from quantize.certainty import Threshold, threshold
from quantize.checkpoints import write_beside
from quantize.datasets import Dataset, Split
from quantize.publish import Reports, described, scored, told_of
from quantize.recipe import Recipe
from quantize.server_models import FOLDER, card_text, float_card
from quantize.serving import Candidate, Choice, Told

COMMAND = "python -m quantize served {} --root DATA --write"

_TOLD_ANEW = ("temperatures", "served_by", "metrics")

Load = Callable[[Dataset], Split]


@dataclass(frozen=True, slots=True)
class ServedStudy:
    """All candidates, the one with the least loss, which is ``served``, first.

    ``threshold`` is of the int8 file and of what is served.
    """

    model: str
    net_sha256: str
    sha256: str
    rule: str
    samples: dict[str, int]
    served: Served
    candidates: tuple[Candidate, ...]
    threshold: Threshold


def study(recipe: Recipe, load: Load, *, run: Path, shipped: Path) -> ServedStudy:
    """Choose for the net of ``run``, whose int8 file's card is ``shipped``. Raises ``AffectdError``."""
    card = read_card(shipped)
    int8 = TfliteModel(card, shipped.parent)
    with TemporaryDirectory() as made:
        said = serving.ask(recipe, load, _float_file(recipe, run, Path(made)), int8)
    choice = serving.choose(recipe, load(recipe.dataset).train, said)
    return ServedStudy(
        model=card.id,
        net_sha256=hashlib.sha256((run / checkpoints.RESULT).read_bytes()).hexdigest(),
        sha256=card.sha256,
        rule=choice.rule,
        samples={name: len(own.labels) for name, own in said.items()},
        served=choice.served,
        candidates=choice.candidates,
        threshold=_threshold(choice.served, said),
    )


def _float_file(recipe: Recipe, run: Path, folder: Path) -> TfliteModel:
    path = folder / f"{recipe.id}-float32.tflite"
    convert.to_float(checkpoints.load_net(run), path)
    return TfliteModel(described(recipe, path), folder)


def _threshold(served: Served, said: dict[str, Told]) -> Threshold:
    return threshold([(served_of(served, own.int8_outputs), own.labels) for own in said.values()])


def write_cards(recipe: Recipe, load: Load, found: ServedStudy, *, run: Path, shipped: Path) -> list[Path]:
    """Write what is served, with both forms' figures on the test parts, into the card of the int8 file.

    The float twin's card follows if the desktop server has one. Raises ``AffectdError``.
    """
    before = read_card(shipped)
    choice = Choice(found.rule, found.served, found.candidates)
    reports = _reports(recipe, load, found.served, run, verify_file(before, shipped.parent))
    about = {name: value for name, value in before.about.items() if name not in _TOLD_ANEW}
    command = COMMAND.format(recipe.id)
    about["description"] = recipe.description
    about["commands"] = [*(made for made in before.about["commands"] if made != command), command]
    after = replace(before, served=found.served, about={**about, **told_of(choice, reports)})
    written = [cards.write_card(after, shipped.parent)]
    if (FOLDER / shipped.name).exists() and shipped.parent.resolve() == Path("models_tflite").resolve():
        written.append(_write_twin(after, FOLDER / shipped.name))
    return written


def _reports(recipe: Recipe, load: Load, served: Served, run: Path, int8: Path) -> Reports:
    with TemporaryDirectory() as made:
        copy, float32 = Path(made) / int8.name, Path(made) / f"{recipe.id}-float32.tflite"
        copy.write_bytes(int8.read_bytes())
        convert.to_float(checkpoints.load_net(run), float32)
        return scored(recipe, load, served, float32=float32, int8=copy)


def _write_twin(shipped: Card, path: Path) -> Path:
    twin = read_card(path)
    content = verify_file(twin, path.parent).read_bytes()
    difference = float(twin.about["largest_difference_from_checkpoint"])
    write_beside(path, card_text(float_card(shipped, content, largest_difference=difference)))
    return path
