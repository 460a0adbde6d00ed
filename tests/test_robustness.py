"""The same samples, clean and worse: what the study must find where the answer is known."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from corpora import VOICES
from perception import MODELS
from studies import run_command
from synthetic import voices, write_clips, write_fer2013

from device.errors import AffectdError
from device.signals import SAMPLE_RATE_HZ
from quantize.commands import studies
from quantize.datasets import FER2013, Dataset, DatasetError, Samples
from quantize.datasets.common import only_a_test
from quantize.studies.degradations import Degradation
from quantize.studies.degraded_faces import blurred
from quantize.studies.pooled import Case, open_cases, pooled_answers
from quantize.studies.robustness import degradations_of, score_robustness

pytestmark = pytest.mark.slow

FACE, VOICE = MODELS / "baseline-face.tflite", MODELS / "baseline-speech.tflite"
NOTHING = Degradation("nothing", None, "", "left as it is", lambda signal, _: signal.copy())
MUTE = Degradation("mute", None, "", "silence", lambda signal, _: np.zeros_like(signal))
BLUR = Degradation("blur", 1, "px", "out of focus", lambda face, rng: blurred(face, rng, sigma_px=1))


def case(model: Path, kind: str, samples: Samples) -> Case:
    """The model on samples that are a corpus of their own."""
    made_up = Dataset("made-up", kind, "", lambda _: only_a_test(samples, "made up"))
    (opened,) = open_cases([(model, made_up)], Path())
    return opened


def test_what_is_left_as_it_is_changes_nothing() -> None:
    result = score_robustness([case(VOICE, "speech", voices(each=2).test)], [NOTHING])
    (same,) = result.conditions
    assert same.degraded == result.clean
    assert (same.against_clean.accuracy_difference.value, same.against_clean.mcnemar_p) == (0, 1)


def test_a_voice_that_the_gate_does_not_hear_is_not_right() -> None:
    result = score_robustness([case(VOICE, "speech", voices(each=2).test)], [MUTE])
    (mute,) = result.conditions
    assert (mute.degraded.without_reading, mute.degraded.share_without_reading) == (14, 1)
    assert mute.degraded.scores is None
    pair = mute.against_clean
    assert (pair.samples, pair.second_accuracy) == (14, 0)
    assert pair.accuracy_difference.value == -pair.first_accuracy
    assert pair.only_second_right == 0


def test_a_clip_missed_only_when_degraded_is_left_out_of_the_nets_own_part() -> None:
    samples = voices(each=2).test
    loud = {name: i % 2 == 0 for i, name in enumerate(samples.names)}
    quiet = [signal if loud[name] else signal * 0 for name, signal in zip(samples.names, samples.signals, strict=True)]
    opened = case(VOICE, "speech", samples)
    half = pooled_answers([replace(opened, samples=replace(samples, signals=quiet))], "half")
    assert list(half.read) == list(loud.values())
    assert not half.probs[~half.read].any()
    assert half.probs[half.read].sum(axis=1) == pytest.approx(np.ones(7), abs=0.02)


def test_neither_order_nor_company_of_the_samples_matters(shared_data: Path) -> None:
    samples = voices(each=1).test
    degradations = [d for d in degradations_of("speech", shared_data) if d.family in {"noise", "reverberation"}][::3]
    forth = pooled_answers([case(VOICE, "speech", samples)], "forth", degradations[0])
    back = pooled_answers([case(VOICE, "speech", samples.take([6, 5, 2]))], "back", degradations[0])
    assert np.array_equal(back.probs, forth.probs[[6, 5, 2]])


def test_silence_alone_is_an_error() -> None:
    samples = voices(each=1).test
    silent = replace(samples, signals=[np.zeros_like(signal) for signal in samples.signals])
    with pytest.raises(DatasetError, match="of 7 test samples the appliance says nothing about any"):
        score_robustness([case(VOICE, "speech", silent)], [NOTHING])


@pytest.fixture(scope="module")
def faces(request: pytest.FixtureRequest) -> Samples:
    """700 of FER2013's test faces."""
    folder: Path = request.getfixturevalue("shared_data")
    return FER2013.split(folder).test.take(range(0, 3500, 5))


def test_a_blurred_face_is_read_less_well_beyond_chance(faces: Samples) -> None:
    (blur,) = score_robustness([case(FACE, "face", faces)], [BLUR]).conditions
    drop = blur.against_clean.accuracy_difference
    assert drop.high is not None
    assert -0.25 < drop.value < drop.high < -0.03
    assert max(blur.against_clean.mcnemar_p, blur.against_clean.t_p or 1) < 1e-4


def test_shuffled_labels_score_at_chance_and_have_nothing_to_lose(faces: Samples) -> None:
    shuffled = replace(faces, labels=np.random.default_rng(6).permutation(faces.labels))
    result = score_robustness([case(FACE, "face", shuffled)], [BLUR])
    for reading in (result.clean, result.conditions[0].degraded):
        assert reading.scores is not None
        assert reading.scores.uar.value == pytest.approx(1 / 7, abs=0.045)
    pair = result.conditions[0].against_clean
    assert pair.mcnemar_p > 0.01
    assert abs(pair.accuracy_difference.value) < 0.05


def robustness(root: Path, *options: str) -> dict[str, Any]:
    run_command(studies, [*options, "--root", str(root), "--json", str(root / "out" / "figures.json")], "robustness")
    result: dict[str, Any] = json.loads((root / "out" / "figures.json").read_text())
    return result


def test_the_command_tries_a_face_model_in_every_condition(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_fer2013(tmp_path / "fer2013", each=2)
    result = robustness(tmp_path, "--model", str(FACE))
    assert {"low light", "eyes hidden", "mouth hidden", "blur", "JPEG quality"} <= {
        condition["family"] for condition in result["conditions"]
    }
    assert all(condition["against_clean"]["samples"] == 14 for condition in result["conditions"])
    assert (result["parts"][0]["dataset"], result["clean"]["without_reading"]) == ("fer2013", 0)
    assert "JPEG quality 5" in capsys.readouterr().out


def test_the_command_tries_a_voice_in_the_noises_held_out(tmp_path: Path) -> None:
    write_clips(tmp_path / "nemo", [name for name in VOICES["nemo"] if "EB0" in name])
    (tmp_path / "noise").mkdir()
    rng = np.random.default_rng(3)
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / "noise" / name, rng.normal(0, 0.1, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    result = robustness(tmp_path, "--model", str(VOICE), "--dataset", "nemo")
    noisy = [condition["level"] for condition in result["conditions"] if condition["family"] == "noise"]
    assert noisy == [20, 10, 5, 0]
    assert "held out" in result["protocol"]
    assert all(c["degraded"]["without_reading"] <= result["samples"] for c in result["conditions"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", str(VOICE), "--dataset", "nemo"], "0 noises are there; get ESC-10"),
        (["--model", str(VOICE), "--dataset", "fer2013"], "fer2013 cannot score a speech model"),
        (["--model", str(VOICE), "--model", str(FACE)], "faces and voices are degraded in different ways"),
        (["--model", str(MODELS / "nothing.tflite")], "nothing.tflite: there is no such model file"),
    ],
)
def test_what_cannot_be_tried_is_an_error_in_a_sentence(options: Sequence[str], message: str, tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match=message):
        robustness(tmp_path, *options)
