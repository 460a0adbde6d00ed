"""What int8 costs is told from the same inputs, and only of nets that are twins."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
from locked import in_it
from processes import run
from synthetic import write_fer2013

from desktop_server.analysis.request import AnalysisRequest
from desktop_server.app import build_deps
from desktop_server.cli import main
from desktop_server.comparison.corpus import CorpusComparison, compare_corpus, dataset_called
from desktop_server.comparison.recording import MediaComparison, compare_media
from desktop_server.comparison.sides import Side, both_sides, require_twins
from desktop_server.inference.onnx import float_engine
from desktop_server.settings import ServerSettings
from device.config.settings import CameraSettings, NodeSettings, Settings
from device.errors import ModelError
from device.readings import EMOTIONS
from quantize.datasets import FER2013
from quantize.evaluation.evaluate import evaluate

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
CLIPS = ROOT / "deploy" / "demo" / "crema_d"
HAPPY, ANGRY = CLIPS / "1001_DFA_HAP_XX.flv", CLIPS / "1001_DFA_ANG_XX.flv"
RATE_HZ = 5.0


@pytest.fixture(scope="module")
def sides() -> tuple[Side, Side]:
    return both_sides("", "cpu")


def compared(media: Sequence[Path], *sides: Side, mode: Literal["face", "both"] = "both") -> MediaComparison:
    settings = Settings(node=NodeSettings(id="test", mode=mode))
    return compare_media(media, settings, *sides, rate_hz=RATE_HZ)


@pytest.fixture(scope="module")
def clips(sides: tuple[Side, Side]) -> MediaComparison:
    return compared([HAPPY, ANGRY], *sides)


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_fer2013(tmp_path_factory.mktemp("data") / "fer2013", each=2)


@pytest.fixture(scope="module")
def corpus(sides: tuple[Side, Side], faces: Path) -> CorpusComparison:
    return compare_corpus(FER2013, faces, *sides)


def test_both_sides_have_estimates_at_the_same_times(clips: MediaComparison) -> None:
    assert set(clips.agreement) == {"face", "speech", "fused"}
    assert [clip.name for clip in clips.clips] == [HAPPY.name, ANGRY.name]
    assert clips.agreement["face"].samples > 15
    assert all((m.int8 is None) == (m.float32 is None) for m in clips.timeline)
    times = [m.at_s for m in clips.timeline]
    assert times == sorted(times)


def test_int8_is_near_its_float_twin_but_not_the_same(clips: MediaComparison) -> None:
    for agreement in clips.agreement.values():
        assert 0 < agreement.closeness.mean_difference < agreement.closeness.largest_difference < 0.3
        assert agreement.difference_quantiles[-1] == pytest.approx(agreement.closeness.largest_difference)
        assert agreement.difference_quantiles == sorted(agreement.difference_quantiles)


def test_peoples_votes_score_both_sides(clips: MediaComparison) -> None:
    assert [clip.people for clip in clips.clips] == [["happy"], ["angry"]]
    assert clips.against_people is not None
    assert clips.against_people.samples == 2


def test_the_whole_clip_is_the_same_for_compare_and_for_the_server(sides: tuple[Side, Side]) -> None:
    (clip,) = compared([HAPPY], *sides).clips
    settings = ServerSettings(camera=CameraSettings(rate_hz=RATE_HZ))
    server = build_deps(settings, float_engine("cpu"))
    try:
        whole = server.analyze(
            AnalysisRequest(mode="both", rule=server.info.fusion, recording=HAPPY.read_bytes())
        ).estimate
    finally:
        server.close()
    assert clip.float32 is not None
    assert str(whole.label) == clip.float32[0]
    assert whole.confidence == pytest.approx(clip.float32[1], abs=0.001)


def test_a_net_against_itself_differs_in_nothing(sides: tuple[Side, Side]) -> None:
    int8, _ = sides
    same = compared([HAPPY], int8, int8, mode="face")
    assert same.same_label == 1
    assert set(same.agreement) == {"face", "fused"}
    assert all(agreement.closeness.largest_difference == 0 for agreement in same.agreement.values())


def test_a_corpus_scores_int8_as_evaluate_does(corpus: CorpusComparison, sides: tuple[Side, Side], faces: Path) -> None:
    card = sides[0].card("face")
    report = evaluate(sides[0].models.folder / card.file, FER2013, FER2013.split(faces))
    assert corpus.int8 == report.test
    assert corpus.answer == report.answer
    assert set(corpus.closeness.agreement_by_class) == set(EMOTIONS)


def test_the_pairs_of_a_corpus_are_the_difference_of_the_scores(corpus: CorpusComparison) -> None:
    pairs = corpus.paired
    assert (pairs.first_accuracy, pairs.second_accuracy) == (corpus.float32.accuracy.value, corpus.int8.accuracy.value)
    turned = pairs.only_second_right - pairs.only_first_right
    assert turned / pairs.samples == pytest.approx(pairs.accuracy_difference.value)
    assert len(corpus.parted) == round((1 - corpus.closeness.agreement) * pairs.samples)
    assert all(part.int8 != part.float32 for part in corpus.parted)


@pytest.mark.parametrize("name", ["affectd-1", "baseline"])
def test_every_float_file_that_ships_is_the_twin_of_the_int8_file_that_ships(name: str) -> None:
    int8, full = both_sides(name, "cpu")
    assert int8.models.name == full.models.name == name


def test_nets_of_two_trainings_are_not_compared(sides: tuple[Side, Side]) -> None:
    int8, full = (side.card("face") for side in sides)
    stranger = replace(int8, sha256="0" * 64)
    with pytest.raises(ModelError, match=r"not the float twin of affectd-1-face \(00000000\).*server-models"):
        require_twins(stranger, full)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, environments: Mapping[str, Path]) -> Path:
    """By the command of the environment that `make serve` makes, which once had not all that it needs."""
    out, bin_folder = tmp_path_factory.mktemp("out") / "new" / "folder", environments[".venv-server"]
    command = [bin_folder / "affectd-server", "compare", HAPPY, "--rate", "5", "--provider", "cpu", "--out", out]
    done = run(command, env=in_it(bin_folder), timeout_s=300)
    assert done.returncode == 0, done.stderr
    return out


def test_the_command_writes_figures_that_machines_read(written: Path) -> None:
    told: dict[str, Any] = json.loads((written / "comparison.json").read_text())
    assert told["schema"] == "affectd.comparison/1"
    assert set(told["int8"]["models"]) == {"affectd-1-face", "affectd-1-speech"}
    assert told["corpus"] is None
    assert told["media"]["media"] == [HAPPY.name]
    for kind in ("face", "speech"):
        cost = told["cost"]["nets"][kind]
        assert min(cost["int8_ms"], cost["float32_ms"]) > 0
        assert cost["times"]["low"] <= cost["times"]["value"] <= cost["times"]["high"]
    assert min(told["cost"]["int8_peak_mib"], told["cost"]["float32_peak_mib"]) > 20


def test_the_command_writes_a_page_that_needs_nothing_else(written: Path) -> None:
    page = (written / "comparison.html").read_text()
    assert "int8 against float32" in page
    assert page.count("<svg") == 2
    assert not re.search(r"<script|<link|@import|src=|url\((?!#)", page)


def test_the_markdown_shows_the_drawings_beside_it(written: Path) -> None:
    text = (written / "comparison.md").read_text()
    shown = re.findall(r'<img src="(comparison/[a-z0-9-]+\.svg)"', text)
    assert sorted(shown) == ["comparison/differences.svg", "comparison/timeline.svg"]
    assert all((written / name).stat().st_size > 1000 for name in shown)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "name files, or --dataset NAME with --root DIR"),
        (["clip.mp4", "--dataset", "fer2013"], "name files, or --dataset NAME with --root DIR"),
        (["--dataset", "fer2013"], "name the folder that holds it with --root DIR"),
        (["--dataset", "nothing", "--root", "."], "there is no corpus 'nothing'; known are fer2013"),
        (["--dataset", "folder", "--root", "."], "say which with --mode face or --mode speech"),
        (["--dataset", "fer2013", "--root", "/no/such/folder"], "there is no such folder"),
        (["/no/such/film.mp4"], "/no/such/film.mp4"),
        (["film.mp4", "--out", "/proc/nowhere"], "/proc/nowhere: cannot be made"),
        (["film.mp4", "--model-set", "nothing"], "there is no such model set"),
    ],
)
def test_an_impossible_comparison_is_a_one_line_error(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", "--provider", "cpu", *arguments]) != 0
    error = capsys.readouterr().err
    assert told in error
    assert "Traceback" not in error


def test_a_text_that_is_called_a_picture_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "note.jpg").write_text("not a picture")
    assert main(["compare", str(tmp_path / "note.jpg"), "--provider", "cpu"]) == 1
    assert "note.jpg" in capsys.readouterr().err


def test_a_picture_without_a_face_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "wall.png"
    cv2.imwrite(str(path), np.full((120, 160), 90, dtype=np.uint8))
    assert main(["compare", str(path), "--provider", "cpu"]) == 1
    assert "no face and no voice is found in wall.png" in capsys.readouterr().err


def test_a_corpus_of_one_kind_needs_no_mode() -> None:
    assert dataset_called("ravdess", "both").kind == "speech"
    assert dataset_called("folder", "speech").kind == "speech"


def in_a_fresh_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_the_server_imports_nothing_of_quantize() -> None:
    code = "import desktop_server.app, sys; print({'quantize', 'scipy', 'matplotlib'} & set(sys.modules))"
    assert in_a_fresh_process(code).stdout.strip() == "set()"


def test_comparing_imports_no_tensorflow() -> None:
    code = (
        "import sys, desktop_server.comparison.sections, desktop_server.comparison.cost, quantize.report.files\n"
        "print('tensorflow' in sys.modules)"
    )
    answer = in_a_fresh_process(code)
    assert answer.stdout.strip() == "False", answer.stderr
