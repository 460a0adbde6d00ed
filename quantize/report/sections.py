"""The report's parts in their order, each in plain words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from device.errors import AffectdError
from quantize.measured import State
from quantize.report import (
    against,
    conditions,
    cost,
    fused,
    goals,
    prosody,
    protocols,
    rounding,
    scores,
    served,
    training,
)
from quantize.report.parts import Content, Section, Table
from quantize.report.results import Measured, Results


@dataclass(frozen=True, slots=True)
class _Part:
    """``kind`` is that of the studies whose absence the part tells; those of other parts go without."""

    id: str
    title: str
    kind: str
    intro: str
    content: Callable[[Results], Content]


def sections(results: Results) -> list[Section]:
    """All parts. Raises ``AffectdError`` if figures are of another version and lack something."""
    return [_section(part, results) for part in _PARTS]


def _section(part: _Part, results: Results) -> Section:
    try:
        content = part.content(results)
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise AffectdError(
            f"figures of {part.kind or part.id} are not those that this version writes ({error!r}); measure them "
            "again: python -m quantize report --root DATA --again"
        ) from error
    return Section(part.id, part.title, part.intro, content, tuple(map(told, results.lacking(part.kind))))


def told(own: Measured) -> str:
    """A study that is missing, old, or tried in vain, in a line."""
    study = own.study
    if own.state is State.KEPT:
        return f"{study.about}: could not be measured again, what is shown was measured before: run `{study.command}`"
    if own.state is State.MISSING:
        return f"{study.about}: not measured yet: run `{study.command}`"
    heard = ", or of sound heard otherwise than now" if study.sound else ""
    return f"{study.about}: measured on an older file than the one that ships now{heard}: run `{study.command}` again"


def _how_made(results: Results) -> Content:
    rows = [[own.study.name, own.state, f"`{own.study.command}`"] for own in results.measured]
    return Content(shown=[Table("Every study, in docs/measured", ["figures", "state", "made by"], rows)])


def missing_or_old(results: Results) -> Iterator[str]:
    """Every study that is not up to date, in a line."""
    return (told(own) for own in results.measured if own.state is not State.CURRENT)


_PARTS = (
    _Part(
        "goals",
        "Goals",
        "",
        "What the models were to reach, set before they were made, and what the files that ship reach. UAR is the mean "
        "recall over the classes: it counts rare emotions as much as frequent ones.",
        goals.content,
    ),
    _Part(
        "scores",
        "Scores",
        "scores",
        "Every file as it ships, through the appliance's own features and interpreter, one view of each sample. "
        "Intervals are 95 % bootstrap intervals (2,000 draws) over pictures for faces and over actors for speech. "
        "FER2013 is scored on all of PrivateTest and on 'clean': without the pictures that also stand in its training "
        "part. No speech net is scored on an actor, or an unseen corpus, that it was trained on; what prosody counts "
        "was chosen by these very scores, so they are too good: see 'What prosody counts'. 'Told the classes' is the "
        "same with the answers that the corpus does not have ruled out.",
        scores.table,
    ),
    _Part(
        "served",
        "Which answer is served",
        "served",
        "A net with two answers gives two judgements of a face: what ten people would say of it, and FER2013's label, "
        "which agree in two thirds of the pictures. What the appliance serves of them was chosen on PublicTest by a "
        "rule that weighs both kinds of labels alike; all other figures of this report are of what is served. No "
        "corpus of posed faces was at hand to try it on. The two candidates that are one answer alone had been scored "
        "on PrivateTest before, the others had not; the one that is served was scored there once, afterwards.",
        served.content,
    ),
    _Part(
        "against",
        "Better by more than chance?",
        "against",
        "The set that ships against `baseline`, both asked about the same samples, each by what is served of it; what "
        "only one of them reads, the other has not right. "
        "McNemar's test takes samples as independent. Pictures are, but for a few copies; clips are not, as an actor "
        "speaks many, and of them it is too sure. So for speech the t test and Wilcoxon's signed-rank test pair the "
        "accuracies of each actor; of five actors the smallest p that Wilcoxon's can give is 0.0625.",
        against.content,
    ),
    _Part(
        "confusions",
        "What is taken for what",
        "",
        "A perfect net would fill the diagonal only.",
        scores.confusions,
    ),
    _Part(
        "reliability",
        "Does a net know how sure it may be?",
        "",
        "The calibration error is the mean distance between confidence and the share of right answers, in 15 bins of "
        "confidence (Guo et al., 2017). Few samples make one by chance: each drawing says how large it would be of a "
        "net that is right exactly as often as it says. A temperature of 1 is a net as trained; any other was fitted "
        "on samples other than those scored, for `affectd-1-face` on two kinds of labels that contradict each other: "
        "it cannot be calibrated to both.",
        scores.reliability,
    ),
    _Part(
        "cost",
        "Accuracy against cost",
        "",
        "Bytes of the files, and arm64 instructions of one inference, counted under qemu as a Cortex-A72. Milliseconds "
        "are estimated from them; no Raspberry Pi has been measured.",
        cost.content,
    ),
    _Part(
        "training",
        "Learning curves",
        "training",
        "One pass over the training part is an epoch. Nets without a validation part were trained for a number of "
        "epochs fixed beforehand.",
        training.content,
    ),
    _Part(
        "formats",
        "What 8 bits cost",
        "formats",
        "The same net as four files: 32-bit floating point, 16-bit, 8-bit weights ('dynamic range') and 8-bit "
        "throughout, which is what ships. McNemar's test asks whether the two are right equally often.",
        rounding.formats,
    ),
    _Part(
        "layers",
        "Where the 8 bits cost it",
        "layers",
        "Each layer in 8 bits alone, and each one spared while all others are: how far the answers move from the float "
        "net's, as Kullback-Leibler divergence.",
        rounding.layers,
    ),
    _Part(
        "robustness",
        "Worse pictures, worse sounds",
        "robustness",
        "The same samples, clean and made worse in a way that can be repeated. A drop is tested in pairs, by actor for "
        "speech.",
        conditions.robustness,
    ),
    _Part(
        "fairness",
        "Men and women",
        "fairness",
        "Only for speech: the face corpora do not say whom they show.",
        conditions.fairness,
    ),
    _Part(
        "prosody",
        "What prosody counts",
        "prosody",
        "As a rule, the surer a voice net is of pitch, voicing and movement beside what it hears of spectra, the "
        "better it reads a corpus that it does not know, and the worse the actors of RAVDESS. The way that ships was "
        "chosen with all three in view. So each unknown corpus is scored here, too, with the way that the others "
        "choose: that with the best plain mean of their scores. In the regressions that they judge it has no part. "
        "The nets that hear the spectra for them were trained on it, though, and which statistics there are, their "
        "scale and how the spectra are learnt were chosen with all three in view: that is not undone, nor that the "
        "ways tried lie around the one that ships. A left-out corpus's share falls to the others. Logits are added "
        "outside the files, and the spectra's come from files in 8 bits: the figures differ a little from those under "
        "'Scores'.",
        prosody.content,
    ),
    _Part(
        "fusion",
        "Face and voice together",
        "fusion",
        "Twice: on the same performance, seen and heard (faces read by published nets, from film), and simulated as it "
        "is usually published, with faces and voices of strangers paired by emotion.",
        fused.content,
    ),
    _Part(
        "protocol",
        "What published accuracies are made of",
        "protocol",
        "One speech net, trained three times on the same recordings; only what counts as unseen differs. Figures of 84 "
        "to 97 % on this corpus come from the second and the third kind of split.",
        protocols.content,
    ),
    _Part(
        "studies",
        "How to make these figures",
        "",
        "`python -m quantize report --root DATA --again` makes all studies of this table and writes this report. DATA "
        "is the folder that holds the corpora; the nets that ship are in models_tflite and, as they were trained, in "
        "quantize/nets; `protocol` alone trains nets. Learning curves are those of the trainings themselves. Without "
        "`--again` only what is missing or out of date is measured. What cannot be measured is named. Beside the "
        "studies: instructions are counted by `make arm64`, int8 against float is told by the cards (`python -m "
        "quantize convert`), peers and people are quoted.",
        _how_made,
    ),
)
