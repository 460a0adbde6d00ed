"""A comparison as sections of tables and sentences, for the page, for Markdown and for the terminal."""

from __future__ import annotations

from desktop_server.comparison import drawings
from desktop_server.comparison.corpus import CorpusComparison
from desktop_server.comparison.cost import Cost
from desktop_server.comparison.recording import Agreement, ComparedClip, MediaComparison, TopEmotion
from desktop_server.comparison.result import Comparison
from device.readings import EMOTIONS
from quantize.evaluation.metrics import Scores
from quantize.report.page import Heading
from quantize.report.parts import Content, Plots, Section, Table
from quantize.report.wording import NOT_MEASURED, chance, change, interval, kilobytes, percent

_NAMED = 20
"""So many samples of different labels are named; the JSON has all."""
_OF_DIFFERENCES = "Of each sample the largest difference of a probability, in order: how few are moved, and how far."


_TWINS = "Each float32 file states in its card the sum of the int8 file that it is the twin of; it was checked."


def heading(result: Comparison) -> Heading:
    """What stands above and below."""
    on = result.corpus.dataset if result.corpus else ", ".join(result.media.media if result.media else ())
    return Heading(
        title=f"{result.model_set}: int8 against float32",
        lead=f"The files of the appliance and their float twins on the same input: {on}. Detector, features and fusion "
        "are the same code; only the nets' arithmetic differs. Brackets hold 95 % intervals.",
        made=f"Made by `affectd-server compare`, affectd {result.version}; all figures are in the JSON beside this.",
    )


def comparison_sections(result: Comparison) -> list[Section]:
    """All parts."""
    shown = [_of_corpus(result.corpus)] if result.corpus else []
    if result.media:
        shown += [_of_media(result.media), _timeline(result.media)]
    return [*shown, _cost(result.cost), _files(result)]


def _of_corpus(own: CorpusComparison) -> Section:
    intro = (
        f"{own.int8.samples:,} samples, as served ({own.answer}); {own.protocol}. McNemar's test (exact) asks "
        "whether both are right equally often; it takes samples as independent, so of a few actors it is too sure."
    )
    panels = [drawings.recalls(own), drawings.differences({own.dataset: own.difference_quantiles})]
    plots = Plots(f"Each class's recall. {_OF_DIFFERENCES}", panels)
    content = Content(
        sentences=[*_left_out(own), *own.remarks],
        shown=[_scores(own), _pairs(own), _classes(own), plots, *_disagreements(own)],
    )
    return Section("corpus", f"On {own.dataset}", intro, content)


def _left_out(own: CorpusComparison) -> list[str]:
    notes = [f"{own.without_reading:,} samples gave no reading and are left out."] if own.without_reading else []
    return [*notes, *(f"Could not be read and is left out: {name}" for name in own.unreadable[:_NAMED])]


def _scores(own: CorpusComparison) -> Table:
    columns = ["precision", "accuracy %", "UAR %", "macro F1 %", "calibration error"]
    rows = [_score_row("int8", own.int8), _score_row("float32", own.float32)]
    return Table("What each is worth", columns, rows)


def _score_row(name: str, scores: Scores) -> list[str]:
    shares = [interval(scores.accuracy), interval(scores.uar), percent(scores.macro_f1)]
    return [name, *shares, f"{scores.calibration_error:.3f}"]


def _pairs(own: CorpusComparison) -> Table:
    pairs, close = own.paired, own.closeness
    rows = [
        ["same label", f"{percent(close.agreement)} %"],
        ["mean difference of a probability", f"{close.mean_difference:.4f}"],
        ["largest difference of a probability", f"{close.largest_difference:.4f}"],
        ["right in both / only float32 / only int8 / in none", _four(own)],
        ["accuracy, int8 less float32, points", change(pairs.accuracy_difference)],
        ["McNemar p", chance(pairs.mcnemar_p)],
    ]
    return Table("Where they part", ["", "figure"], rows)


def _four(own: CorpusComparison) -> str:
    pairs = own.paired
    four = (pairs.both_right, pairs.only_first_right, pairs.only_second_right, pairs.both_wrong)
    return " / ".join(f"{n:,}" for n in four)


def _classes(own: CorpusComparison) -> Table:
    columns = ["class", "samples", "same label %", "recall int8 %", "recall float32 %", "F1 int8 %", "F1 float32 %"]
    rows = []
    for name, int8 in own.int8.classes.items():
        full = own.float32.classes[name]
        shares = (own.closeness.agreement_by_class[name], int8.recall, full.recall, int8.f1, full.f1)
        rows.append([name, f"{int8.samples:,}", *(percent(share) for share in shares)])
    return Table("Class by class", columns, rows)


def _disagreements(own: CorpusComparison) -> list[Table]:
    if not own.parted:
        return []
    rows = [[part.name, part.truth, part.int8, part.float32] for part in own.parted[:_NAMED]]
    caption = f"Samples of different labels: {len(rows)} of {len(own.parted):,}"
    return [Table(caption, ["sample", "truth", "int8", "float32"], rows)]


def _of_media(own: MediaComparison) -> Section:
    intro = (
        f"Mode `{own.mode}`, fusion `{own.rule}`; at {percent(own.same_label)} % of {len(own.timeline):,} moments both "
        "would publish the same label, smoothed and held as on the appliance (`uncertain` is a label, too)."
    )
    quantiles = {name: agreement.difference_quantiles for name, agreement in own.agreement.items()}
    content = Content(
        sentences=_against_people(own),
        shown=[
            _agreement(own),
            _labels(own),
            Table(
                "Clip by clip: readings averaged over the clip, then fused",
                _CLIP,
                [_clip_row(clip) for clip in own.clips],
            ),
            Plots(_OF_DIFFERENCES, [drawings.differences(quantiles)]),
        ],
    )
    return Section("media", "The whole pipeline", intro, content)


_CLIP = ["clip", "int8", "float32", "most people"]


def _against_people(own: MediaComparison) -> list[str]:
    pairs = own.against_people
    if pairs is None:
        return ["What these recordings show is not known, so only the two are compared, and neither with the truth."]
    return [
        f"As most people said: int8 in {percent(pairs.second_accuracy)} %, float32 in "
        f"{percent(pairs.first_accuracy)} % of {pairs.samples} clips; McNemar p {chance(pairs.mcnemar_p)}."
    ]


def _agreement(own: MediaComparison) -> Table:
    columns = ["what", "vectors", "same label %", "mean difference", "largest difference"]
    return Table(
        "What each net said, and both fused", columns, [_agreement_row(*item) for item in own.agreement.items()]
    )


def _agreement_row(name: str, own: Agreement) -> list[str]:
    close = own.closeness
    differences = (f"{close.mean_difference:.4f}", f"{close.largest_difference:.4f}")
    return [name, f"{own.samples:,}", percent(close.agreement), *differences]


def _labels(own: MediaComparison) -> Table:
    rows = [
        [str(emotion), *(percent(a.closeness.agreement_by_class.get(str(emotion))) for a in own.agreement.values())]
        for emotion in EMOTIONS
    ]
    return Table("Same label %, by float32's label", ["label", *own.agreement], rows)


def _clip_row(clip: ComparedClip) -> list[str]:
    return [clip.name, _top_emotion(clip.int8), _top_emotion(clip.float32), "/".join(clip.people) or NOT_MEASURED]


def _top_emotion(top: TopEmotion | None) -> str:
    return f"{top[0]} {top[1]:.2f}" if top else NOT_MEASURED


def _timeline(own: MediaComparison) -> Section:
    intro = "Fused probabilities along the recordings: wide and pale float32, thin int8."
    return Section(
        "timeline", "On the way", intro, Content(shown=[Plots("Both, moment by moment", [drawings.timeline(own)])])
    )


def _cost(own: Cost) -> Section:
    intro = (
        f"Measured on this machine ({own.machine}), one thread, {own.processes} fresh processes of each in turn. It "
        "says nothing about a Raspberry Pi, whose processor runs int8 and float differently: see docs/report.md."
    )
    rows = [
        [f"{kind} net, ms", f"{cost.int8_ms:.3f}", f"{cost.float32_ms:.3f}", str(cost.times)]
        for kind, cost in own.nets.items()
    ]
    rows.append(
        ["peak memory of a process, MiB", f"{own.int8_peak_mib:.0f}", f"{own.float32_peak_mib:.0f}", NOT_MEASURED]
    )
    table = Table("Medians, and their ratio", ["", "int8", "float32", "float32 / int8"], rows)
    return Section("cost", "What each costs", intro, Content(shown=[table]))


def _files(result: Comparison) -> Section:
    rows = [
        [f"{model} ({digest[:8]})", kilobytes(side.bytes[model]), side.runtime]
        for side in (result.int8, result.float32)
        for model, digest in side.models.items()
    ]
    return Section("files", "Files", _TWINS, Content(shown=[Table("What was run", ["file", "kB", "runtime"], rows)]))
