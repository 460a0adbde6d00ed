"""Model card: MODEL_CARD.md, for people, made of the cards beside the models and the prose of its template."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader

from device.features import face, mfcc, prosody, relative_voice
from device.models.sets import list_sets, load_set
from device.readings import EMOTIONS, Emotion

READS = {
    face.FEATURE_VERSION: "one face, 48 × 48 grey",
    mfcc.FEATURE_VERSION: "up to 3 s of voice, 128 frames × 40 MFCC",
    prosody.FEATURE_VERSION: "up to 3 s of voice, 128 frames × 40 mel bands, and 22 statistics of prosody",
    relative_voice.FEATURE_VERSION: "up to 3 s of voice, 128 frames × 40 mel bands, and 21 functionals less the mean "
    "of the stream's own voices",
}
"""A net's input, by its features."""


def model_card(folder: Path) -> str:
    """The whole text. Raises ``ModelError`` if a card is missing."""
    cards = [card for name in list_sets(folder) for card in load_set(folder, name).models.values()]
    environment = Environment(
        loader=PackageLoader("quantize.report", ""), keep_trailing_newline=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"percent": _percent, "interval": _interval, "taken_for": _taken_for}
    sizes = {card.id: (folder / card.file).stat().st_size for card in cards}
    template = environment.get_template("model_card.md.j2")
    return template.render(emotions=" ".join(EMOTIONS), cards=cards, sizes=sizes, reads=READS)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}"


def _interval(figure: Mapping[str, float]) -> str:
    return f"{_percent(figure['value'])} ({_percent(figure['low'])}–{_percent(figure['high'])})"


def _taken_for(confusion: Sequence[Sequence[int]], emotion: str) -> str:
    """The class that samples of this one are most often taken for, and their share."""
    row = confusion[EMOTIONS.index(Emotion(emotion))]
    count, other = max((count, other) for count, other in zip(row, EMOTIONS, strict=True) if other != emotion)
    return f"{other} ({100 * count / sum(row):.0f} %)"
