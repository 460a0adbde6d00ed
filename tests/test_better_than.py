"""Is one file better than another? Both are asked about the same samples, and chance is given its due."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from perception import MODELS
from studies import run_command
from synthetic import voices, write_clips, write_fer2013

from device.errors import AffectdError
from device.signals import SAMPLE_RATE_HZ
from quantize.commands import studies
from quantize.datasets import Dataset, DatasetError, Samples
from quantize.datasets.common import only_a_test
from quantize.studies.better_than import compare_cases, study
from quantize.studies.pooled import Case, open_cases, pooled_answers

pytestmark = pytest.mark.slow

VOICE, OTHER_VOICE = MODELS / "baseline-speech.tflite", MODELS / "affectd-1-speech.tflite"
FACE, OTHER_FACE = MODELS / "baseline-face.tflite", MODELS / "affectd-1-face.tflite"
SILENCE = np.zeros(SAMPLE_RATE_HZ, dtype=np.int16)


def corpus(samples: Samples) -> Dataset:
    return Dataset("made-up", "speech", "", lambda _: only_a_test(samples, "made up"))


def case(model: Path, samples: Samples) -> Case:
    (opened,) = open_cases([(model, corpus(samples))], Path())
    return opened


@pytest.fixture(scope="module")
def hummed() -> Samples:
    """Two actors who hum seven clips each, all labelled as the published net hears them."""
    test = voices(each=2).test
    heard = pooled_answers([case(VOICE, test)], "labels").probs.argmax(axis=1)
    return replace(test, labels=heard, groups=["carol"] * 7 + ["dave"] * 7)


def test_a_net_is_no_better_than_itself(hummed: Samples) -> None:
    result = study(VOICE, VOICE, corpus(hummed), Path())
    paired = result.paired
    assert result.model == result.than
    assert (paired.samples, paired.groups) == (14, 2)
    assert paired.accuracy_difference.value == paired.uar_difference.value == 0
    assert (paired.mcnemar_p, paired.t_p, paired.wilcoxon_p) == (1, 1, 1)


def test_where_the_files_change_places_the_sign_turns(hummed: Samples) -> None:
    better = study(VOICE, OTHER_VOICE, corpus(hummed), Path())
    worse = study(OTHER_VOICE, VOICE, corpus(hummed), Path())
    assert (better.model, better.than) == (worse.than, worse.model)
    assert better.model.part.model == "baseline-speech"
    assert better.paired.second_accuracy == 1
    assert better.paired.accuracy_difference.value == -worse.paired.accuracy_difference.value > 0
    assert better.paired.only_second_right == worse.paired.only_first_right > 0
    assert better.paired.mcnemar_p == worse.paired.mcnemar_p < 1


def test_what_only_one_of_them_reads_the_other_has_not_right(hummed: Samples) -> None:
    whole, without_three = case(VOICE, hummed), case(VOICE, hummed.take(range(3, 14)))
    more = compare_cases(whole, without_three, hummed)
    assert (more.model.without_reading, more.than.without_reading, more.neither_reads) == (0, 3, 0)
    assert (more.paired.samples, more.paired.only_first_right, more.paired.only_second_right) == (14, 0, 3)
    assert more.paired.accuracy_difference.value == pytest.approx(3 / 14)
    fewer = compare_cases(without_three, whole, hummed)
    assert fewer.paired.accuracy_difference.value == pytest.approx(-3 / 14)


def test_what_neither_of_them_reads_is_counted_and_left_out(hummed: Samples) -> None:
    silent = replace(hummed, signals=[*[SILENCE] * 3, *hummed.signals[3:]])
    result = study(VOICE, OTHER_VOICE, corpus(silent), Path())
    assert (result.neither_reads, result.paired.samples, result.paired.second_accuracy) == (3, 11, 1)
    assert (result.model.without_reading, result.than.without_reading) == (0, 0)


def test_of_silence_alone_nothing_can_be_said(hummed: Samples) -> None:
    with pytest.raises(DatasetError, match="made-up: of 14 test samples neither file reads any"):
        study(VOICE, OTHER_VOICE, corpus(replace(hummed, signals=[SILENCE] * 14)), Path())


def better_than(model: Path, than: Path, dataset: str, root: Path) -> dict[str, Any]:
    files = ("--model", str(model), "--than", str(than), "--dataset", dataset)
    run_command(studies, [*files, "--root", str(root), "--json", str(root / "out.json")], "better-than")
    found: dict[str, Any] = json.loads((root / "out.json").read_text())
    return found


def test_the_command_asks_each_net_for_what_is_served_and_shows_the_tests(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = better_than(OTHER_FACE, FACE, "ferplus", write_fer2013(tmp_path))
    answers = (found["model"]["answer"], found["than"]["answer"])
    assert answers == ("0.5 crowd over its prior, 0.5 fer2013", "fer2013")
    assert found["paired"]["samples"] == found["model"]["part"]["samples"]
    shown = capsys.readouterr().out
    assert "McNemar" in shown
    assert f"{100 * found['paired']['second_accuracy']:.1f}" in shown


def test_what_does_not_decode_is_named_and_not_counted_as_unread(tmp_path: Path) -> None:
    root = write_clips(tmp_path, ["happy/a.wav", "happy/b.wav", "sad/a.wav"])
    (root / "sad" / "broken.wav").write_bytes(b"RIFF")
    soundfile.write(root / "sad" / "silent.wav", SILENCE, SAMPLE_RATE_HZ)
    found = better_than(OTHER_VOICE, VOICE, "folder", root)
    assert (found["paired"]["samples"], found["neither_reads"]) == (3, 1)
    assert "broken.wav" in found["model"]["part"]["unreadable"][0]


@pytest.mark.parametrize(
    ("than", "dataset", "message"),
    [
        (FACE, "ravdess", "affectd-1-speech.tflite is a speech model and .*baseline-face.tflite a face model"),
        (VOICE, "fer2013", "fer2013 cannot score a speech model"),
    ],
)
def test_what_no_sample_can_be_asked_of_is_an_error(than: Path, dataset: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match=message):
        better_than(OTHER_VOICE, than, dataset, tmp_path)
