"""A net of one's own by docs/train.md alone: from a folder of files to what the appliance serves."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from appliance import HAPPY_CLIP, ROOT, affectd
from quiet import QUIET_TENSORFLOW
from synthetic import voice
from test_own_folder import PEOPLE, by_people, numbered, pictures

from device.models.card import read_card
from device.signals import SAMPLE_RATE_HZ
from quantize.__main__ import main

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]

PAGE = ROOT / "docs" / "train.md"
DEMO = str(HAPPY_CLIP.relative_to(ROOT))


def walk() -> list[list[str]]:
    """The words of the first commands of the page."""
    section = PAGE.read_text(encoding="utf-8").split("\n## ")[1]
    block = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)[0]
    return [shlex.split(line, comments=True) for line in block.replace("\\\n", " ").splitlines()]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with PICTURES and what an epoch on them and a conversion made, by the page's commands."""
    folder = tmp_path_factory.mktemp("walk")
    pictures(folder / "PICTURES", by_people("{label}/{who}_{number}.png", ("happy", "sad", "calm")))
    for who in PEOPLE:
        (folder / "PICTURES" / "sad" / f"{who}_x.png").write_text(f"no picture of {who}", encoding="utf-8")
    with pytest.MonkeyPatch.context() as there:
        there.chdir(folder)
        train, convert, *_ = walk()
        assert main([*train[3:], "--epochs", "1"]) == 0
        assert main(convert[3:]) == 0
        yield folder


def test_the_page_s_commands_lead_to_a_set_that_a_replay_serves(trained: Path, here: Path) -> None:
    *_, evaluate, add, replay = walk()
    (here / "runs").symlink_to(trained / "runs")
    (here / "PICTURES").symlink_to(trained / "PICTURES")
    assert main([*evaluate[3:], "--json", "figures.json"]) == 0
    figures = json.loads((here / "figures.json").read_text())
    assert figures["test"]["samples"] < 20  # of 63: what was trained on is not asked
    assert affectd(*add[1:]).returncode == 0
    assert replay[2] == DEMO
    served = affectd("replay", HAPPY_CLIP, *replay[3:], "--json").stdout.splitlines()
    assert {json.loads(line)["model_set"] for line in served} == {"mine"}


def test_all_that_is_made_of_it_is_in_its_run_and_its_card_says_how(trained: Path) -> None:
    run = trained / "runs" / "mine"
    log = (run / "log.csv").read_text().splitlines()
    assert log[0] == "number,loss,validation_loss,validation_accuracy"
    assert len(log) == 2
    table = (run / "split.csv").read_text().splitlines()
    assert table[0] == "file,label,subject,part,sha256"
    assert len(table) == 1 + 3 * 7 * 3 + 7
    about = read_card(run / "mine.json").about
    asked = "--dataset folder --architecture baseline-face --id mine"
    assert about["commands"][0] == f"python -m quantize train {asked} --root DATA --seed 1 --epochs 1"
    assert about["split"].startswith("train ")
    assert "by subject" in about["split"]
    assert "A class that the folder lacks is never named" in about["limits"]
    assert about["served_by"]["candidates"] == 1


def test_unreadable_files_are_named_counted_and_skipped(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = trained / "runs" / "mine"
    again = ["mine", "--run", str(run), "--root", str(trained / "PICTURES"), "--epochs", "1"]
    assert main(["train", *again]) == 0
    said = "".join(capsys.readouterr())
    rows = (run / "split.csv").read_text(encoding="utf-8").splitlines()
    used = [row for row in rows if "_x.png" in row and ",test," not in row]
    assert f"{len(used)} could not be read and are left out:" in said
    assert used[0].partition(",")[0] in said
    assert "kept: epoch 1 of 1" in said
    next_one = shlex.split(said.partition("next: ")[2].splitlines()[0])
    assert next_one == ["python", "-m", "quantize", "convert", *again[:1], *again[3:5], *again[1:3]]


def test_a_run_is_not_gone_on_with_by_other_options(
    trained: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = walk()[0][3:]
    (here / "runs").symlink_to(trained / "runs")
    (here / "PICTURES").symlink_to(trained / "PICTURES")
    assert main([*train, "--subject", "(.+?)_"]) == 1
    assert "runs/mine: was begun with other options; choose another --id" in capsys.readouterr().err


def test_a_net_whose_split_is_not_beside_it_is_not_scored_on_a_folder(
    trained: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in ("mine.tflite", "mine.json"):
        (here / file).write_bytes((trained / "runs" / "mine" / file).read_bytes())
    options = ["--dataset", "folder", "--root", str(trained / "PICTURES")]
    assert main(["evaluate", "--model", "mine.tflite", *options]) == 78
    assert "split.csv of its training is not beside it" in capsys.readouterr().err


def test_a_voice_of_one_s_own_is_trained_and_served(here: Path) -> None:
    rng = np.random.default_rng(4)
    for label in ("grumpy", "sad"):
        for number in range(12):
            path = here / "VOICES" / label / f"{number}.flac"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, voice(rng, pitch_hz=110 + 10 * number), SAMPLE_RATE_HZ)
    (here / "labels.toml").write_text('grumpy = "angry"\n')
    asked = ["--dataset", "folder", "--architecture", "baseline-speech", "--id", "my-voice", "--labels", "labels.toml"]
    assert main(["train", *asked, "--root", "VOICES", "--epochs", "1"]) == 0
    assert main(["convert", "my-voice", "--root", "VOICES"]) == 0
    assert affectd("models", "add", "runs/my-voice/my-voice.tflite", "--dir", "set").returncode == 0
    served = affectd("replay", HAPPY_CLIP, "--models-dir", "set", "--json").stdout.splitlines()
    assert {json.loads(line)["model_set"] for line in served} == {"my-voice"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "name a MODEL or, to train on files of your own, --dataset folder --architecture NAME --id mine"),
        (["baseline-face", "--dataset", "folder"], "name a MODEL or,"),
        (["--dataset", "folder", "--id", "mine"], "name a MODEL or,"),
        (["--dataset", "folder", "--architecture", "vgg", "--id", "mine"], "there are baseline-face, baseline-speech"),
        (["--dataset", "folder", "--architecture", "baseline-face", "--id", "My Net"], "use small letters, digits and"),
        (["--dataset", "folder", "--architecture", "baseline-face", "--id", "baseline-face"], "choose another"),
        (["mine"], "no model is called 'mine'; there are baseline-face, "),
    ],
)
def test_what_is_asked_for_wrongly_is_answered_with_what_is_right(
    here: Path, options: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pictures(here / "PICTURES", numbered("happy", "sad"))
    assert main(["train", *options, "--root", "PICTURES"]) == 1
    assert said in capsys.readouterr().err
    assert not (here / "runs").exists()


def test_a_class_of_which_nothing_can_be_used_is_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(here / "PICTURES", numbered("happy", "sad", "fear"))
    for number in range(20):
        (here / "PICTURES" / "fear" / f"{number}.png").write_text(f"no picture: {number}")
    assert main([*walk()[0][3:], "--epochs", "1"]) == 1
    assert "no file of fear that is trained on can be used: they do not decode" in capsys.readouterr().err


def test_a_beginning_that_came_to_nothing_does_not_bind(here: Path) -> None:
    asked = ["train", "--dataset", "folder", "--architecture", "baseline-face", "--id", "mine", "--root", "PICTURES"]
    for name in numbered("happy", "sad"):
        (here / "PICTURES" / name).parent.mkdir(parents=True, exist_ok=True)
        (here / "PICTURES" / name).write_text(f"no picture: {name}")
    assert main(asked) == 1  # not one of them can be read
    pictures(here / "PICTURES", numbered("happy", "sad", "fear"))
    assert main([*asked, "--epochs", "1"]) == 0
    assert (here / "runs" / "mine" / "split.csv").read_text().count("fear") == 40
