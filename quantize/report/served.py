"""Which answer is served: every candidate of the rule on both kinds of labels, and from when on a label is said."""

from __future__ import annotations

from quantize.made_of import Json
from quantize.report.parts import Content, Table
from quantize.report.results import Results
from quantize.report.wording import percent


def content(results: Results) -> Content:
    """For each net with several answers the rules, what they say, and the table."""
    sentences: list[str] = []
    shown = []
    for study, found in results.of("served"):
        sentences += [found["rule"], found["threshold"]["rule"], _threshold(found), *_unlike_the_card(results, found)]
        shown.append(_table(study.about, found))
    return Content(sentences=list(dict.fromkeys(sentences)), shown=shown)


def _unlike_the_card(results: Results, found: Json) -> list[str]:
    """What would make the report contradict the appliance."""
    (card,) = (own for own in results.cards if own.id == found["model"])
    name = found["candidates"][0]["told"]
    if (
        card.served.temperature == found["served"]["temperature"]
        and [*card.served.weights] == found["served"]["weights"]
    ):
        return [f"So {card.id} serves {name}, at temperature {card.served.temperature:.2f}."]
    return [f"{card.id} does not serve what the rule says ({name}): run python -m quantize served {card.id} --write"]


def _threshold(found: Json) -> str:
    own = found["threshold"]
    return (
        f"That is {own['uncertain_below']:g} (slope {own['slope']:.2f}, intercept {own['intercept']:.2f}): "
        f"{percent(own['unsaid'])} % of PublicTest stay below it, and {percent(own['right_below'], 0)} % of the labels "
        "there would be right."
    )


def _table(model: str, found: Json) -> Table:
    labels = list(found["candidates"][0]["on"])
    figures = [f"{label}: {what}" for label in labels for what in ("accuracy %", "UAR %", "calibration error")]
    told = ", ".join(f"{count:,} by {name}" for name, count in found["samples"].items())
    caption = f"{model}, PublicTest ({told}): log loss in nats of the float file, the rest of the int8 file"
    return Table(caption, ["served", "log loss", "temperature", *figures], [_row(own) for own in found["candidates"]])


def _row(candidate: Json) -> list[str]:
    figures = (
        text
        for own in candidate["on"].values()
        for text in (percent(own["accuracy"]), percent(own["uar"]), f"{own['calibration_error']:.3f}")
    )
    return [candidate["told"], f"{candidate['loss']:.3f}", f"{candidate['served']['temperature']:.2f}", *figures]
