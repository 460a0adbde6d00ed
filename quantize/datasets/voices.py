"""Several corpora of acted speech as one, for nets that are to work on voices and rooms that none of them holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path

import numpy as np

from quantize.datasets.common import Dataset, LazySignals, SampleArray, Samples, Split, only_a_test
from quantize.datasets.named_corpora import EMOVO, NEMO, RAKSHAK, TESS, TUREV
from quantize.datasets.noises import noise_files
from quantize.datasets.ravdess import RAVDESS_FOLDS, TEST_FOLD
from quantize.datasets.sound import read_clip

WHOLE = {"tess": TESS, "nemo": NEMO}
"""Corpora that affectd-1 is trained on, or tested on, as a whole."""
FIVE_WHOLE = {**WHOLE, "emovo": EMOVO, "turev": TUREV, "rakshak": RAKSHAK}
"""The same of affectd-2: in five languages, two of them on people's own phones."""
_TITLES = {"tess": "TESS", "nemo": "nEMO", "emovo": "EMOVO", "turev": "TurEV-DB", "rakshak": "Rakshak"}


def without_fold(test_fold: int, whole: Mapping[str, Dataset] = WHOLE) -> Dataset:
    """Train on all of ``whole`` and on RAVDESS but for the actors of one fold, who are the test.

    There is no validation part: how long to train is fixed beforehand, so that no actor is spent on it.
    """
    return Dataset(
        name=f"{_name(whole)}-f{test_fold}",
        kind="speech",
        terms="; ".join(dataset.terms for dataset in (RAVDESS_FOLDS[test_fold], *whole.values())),
        load=partial(_load_without_fold, test_fold=test_fold, whole=whole),
        head="acted",
        made_of=_made_of(whole),
    )


def without_corpus(name: str, whole: Mapping[str, Dataset] = WHOLE) -> Dataset:
    """Train on RAVDESS and all of ``whole`` but one, of which all is the test."""
    others = [dataset for own, dataset in whole.items() if own != name]
    return Dataset(
        name=f"{_name(whole)}-without-{name}",
        kind="speech",
        terms="; ".join(dataset.terms for dataset in (RAVDESS_FOLDS[TEST_FOLD], *others)),
        load=partial(_load_without_corpus, name=name, whole=whole),
        head="acted",
        made_of=_made_of(whole),
    )


def _name(whole: Mapping[str, Dataset]) -> str:
    return "voices" if whole.keys() == WHOLE.keys() else f"voices-of-{len(whole) + 1}"


def _made_of(whole: Mapping[str, Dataset]) -> str:
    return f"ravdess, {', '.join(whole)} and noise"


def corpus_of(name: str) -> str:
    """The corpus that a sample of these is of."""
    return name.partition("/")[0]


def _load_without_fold(root: Path, test_fold: int, whole: Mapping[str, Dataset]) -> Split:
    split = RAVDESS_FOLDS[test_fold].split(root)
    others = {name: dataset.split(root) for name, dataset in whole.items()}
    *first, last = (f"all of {_TITLES[name]}" for name in whole)
    return _trained_on(
        root,
        {"ravdess": joined([split.train, split.validation]), **{name: other.test for name, other in others.items()}},
        test=of_corpus("ravdess", split.test),
        note=f"by actor: test F{test_fold} of RAVDESS, training its other actors, {', '.join(first)} and {last}; "
        "no validation part, the number of epochs is fixed",
        remarks=[remark for other in others.values() for remark in other.remarks],
    )


def _load_without_corpus(root: Path, name: str, whole: Mapping[str, Dataset]) -> Split:
    ravdess = RAVDESS_FOLDS[TEST_FOLD].split(root)
    left_out = whole[name].split(root)
    others = {own: dataset.split(root) for own, dataset in whole.items() if own != name}
    everybody = joined([ravdess.train, ravdess.validation, ravdess.test])
    return _trained_on(
        root,
        {"ravdess": everybody, **{own: other.test for own, other in others.items()}},
        test=of_corpus(name, left_out.test),
        note=f"by corpus: test all of {name}, training all of {', '.join(['ravdess', *others])}; no validation part, "
        "the number of epochs is fixed",
        remarks=[remark for split in (left_out, *others.values()) for remark in split.remarks],
    )


def _trained_on(root: Path, parts: Mapping[str, Samples], *, test: Samples, note: str, remarks: Sequence[str]) -> Split:
    train = joined([of_corpus(name, samples) for name, samples in parts.items()])
    nothing = only_a_test(test, note)
    noises = LazySignals(noise_files(root).training, read_clip)
    return replace(nothing, train=train, remarks=tuple(remarks), noises=noises)


def of_corpus(name: str, samples: Samples) -> Samples:
    """The samples with their corpus in names and groups, so that neither can be mistaken for another one's."""
    return replace(
        samples,
        names=[f"{name}/{own}" for own in samples.names],
        groups=[f"{name}/{group}" for group in samples.groups],
    )


def joined(parts: Sequence[Samples]) -> Samples:
    """Samples one part after the other; files stay unread."""
    return Samples(
        names=[name for part in parts for name in part.names],
        signals=reduce(_followed_by, (part.signals for part in parts)),
        labels=np.concatenate([part.labels for part in parts]),
        groups=[group for part in parts for group in part.groups],
        unreadable=tuple(name for part in parts for name in part.unreadable),
    )


def _followed_by(first: Sequence[SampleArray], second: Sequence[SampleArray]) -> Sequence[SampleArray]:
    if isinstance(first, LazySignals) and isinstance(second, LazySignals):
        return first.followed_by(second)
    return [*first, *second]
