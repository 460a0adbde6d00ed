"""Anybody's own folder to train on: how it is split, and what is wrong with a folder, said by name."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from device.errors import AffectdError
from quantize.datasets import DatasetError, Split
from quantize.datasets.labels import read_labels
from quantize.datasets.own_folder import SPLIT_FILE, OwnFolder, read_own
from quantize.datasets.own_split import require_learnable
from quantize.inputs.front_ends import FACE
from quantize.inputs.preprocess import preprocess_for_training

PARTS = ("train", "validation", "test")
PEOPLE = ("anna", "ben", "cem", "dora", "ela", "finn", "gül")


def pictures(folder: Path, names: Iterable[str]) -> Path:
    """A small picture of its own under each name."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        content = np.random.default_rng([*name.encode()]).integers(0, 256, (48, 48), dtype=np.uint8)
        path.write_bytes(cv2.imencode(".png", content)[1].tobytes())
    return folder


def numbered(*labels: str, each: int = 20) -> list[str]:
    return [f"{label}/{number}.png" for label in labels for number in range(each)]


def by_people(pattern: str, labels: Sequence[str] = ("happy", "sad"), people: Sequence[str] = PEOPLE) -> list[str]:
    return [
        pattern.format(label=label, who=who, number=number) for label in labels for who in people for number in range(3)
    ]


def split(folder: Path, run: Path | None = None, **asked: object) -> Split:
    own = OwnFolder("mine", "face", "baseline-face", **asked)  # type: ignore[arg-type]
    return own.dataset(run or folder.parent / "run").split(folder)


def parts(found: Split) -> dict[str, set[str]]:
    return {name: {*own} for name, own in zip(PARTS, by_path(found), strict=True)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


def test_files_of_nobody_knows_whom_are_split_class_by_class_and_that_is_said(folder: Path) -> None:
    found = split(pictures(folder, numbered("happy", "sad")))
    assert {name: len(files) for name, files in parts(found).items()} == {"train": 28, "validation": 6, "test": 6}
    assert sorted(found.test.labels) == [3, 3, 3, 5, 5, 5]
    assert "file by file" in found.note
    assert "names tell no subjects" in found.remarks[-1]
    assert parts(split(folder, folder.parent / "another")) == parts(found)


@pytest.mark.parametrize("pattern", ["{label}/{who}/{number}.png", "{label}/{who}_{number}.png"])
def test_people_stay_together_where_names_tell_them(folder: Path, pattern: str) -> None:
    found = split(pictures(folder, by_people(pattern)))
    who = people_in(found)
    assert set.union(*who.values()) == {*PEOPLE}
    assert sum(map(len, who.values())) == len(PEOPLE)
    assert all(who.values())
    assert not found.remarks
    assert found.note.startswith(f"train {len(found.train)} files of {len(who['train'])} subjects, ")


def people_in(found: Split) -> dict[str, set[str]]:
    return {name: {*own.groups} for name, own in zip(PARTS, (found.train, found.validation, found.test), strict=True)}


@pytest.mark.parametrize(
    "names", [numbered("happy", "sad"), [f"{name[:-4]}_{n}.png" for n, name in enumerate(numbered("happy", "sad"))]]
)
def test_series_of_pictures_are_no_people(folder: Path, names: list[str]) -> None:
    renamed = [re.sub(r"(\w+)/", r"\1/img_\1_", name) for name in names]
    assert "names tell no subjects" in split(pictures(folder, renamed)).remarks[-1]


def test_a_pattern_tells_who_it_is(folder: Path) -> None:
    found = split(pictures(folder, by_people("{label}/{number}-of-{who}.png")), subject=r"-of-(\w+)\.")
    assert set.union(*people_in(found).values()) == {*PEOPLE}


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(", r"--subject '\(': no regular expression"),
        (".+", "has no group; put"),
        (r"(\d+)x", "finds nobody in its name"),
    ],
)
def test_a_pattern_that_is_none_or_does_not_fit_is_named(folder: Path, pattern: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        split(pictures(folder, numbered("happy", "sad")), subject=pattern)


def test_somebody_who_alone_shows_an_emotion_is_trained_on(folder: Path) -> None:
    names = [*by_people("{label}/{who}/{number}.png"), *(f"fear/anna/{number}.png" for number in range(10))]
    assert "anna" in people_in(split(pictures(folder, names)))["train"]


def test_two_people_are_too_few_for_three_parts(folder: Path) -> None:
    names = [f"{label}/{who}-{n}.png" for label in ("happy", "sad") for who in "ab" for n in range(6)]
    with pytest.raises(DatasetError, match="2 subjects are too few for train, validation and test: 3 are needed"):
        split(pictures(folder, names), subject="(.+?)-")


def test_folders_of_parts_are_taken_as_they_are(folder: Path) -> None:
    pictures(folder, [f"{part}/{name}" for part in ("Training", "val", "test") for name in numbered("happy", "sad")])
    found = split(folder)
    assert [{Path(name).parts[0] for name in own} for own in by_path(found)] == [{"Training"}, {"val"}, {"test"}]
    assert "as the folders of the parts are" in found.note


def by_path(found: Split) -> list[list[str]]:
    return [[*own.names] for own in (found.train, found.validation, found.test)]


def test_validation_is_drawn_from_training_where_nobody_gave_one(folder: Path) -> None:
    pictures(folder, [f"{part}/{name}" for part in ("train", "test") for name in numbered("happy", "sad")])
    found = split(folder)
    assert (len(found.train), len(found.validation), len(found.test)) == (34, 6, 40)


def test_a_subject_on_both_sides_is_refused(folder: Path) -> None:
    pictures(folder, [f"train/{name}" for name in by_people("{label}/{who}_{number}.png")])
    pictures(folder, [f"test/{label}/anna_{n}x.png" for label in ("happy", "sad") for n in range(3)])
    with pytest.raises(DatasetError, match=r"subject 'anna' is in train \(.*\) and in test \(.*\), so that a score"):
        split(folder)


def test_training_without_a_test_and_a_class_that_is_only_tested_are_refused(folder: Path) -> None:
    pictures(folder, [f"train/{name}" for name in numbered("happy", "sad")])
    with pytest.raises(DatasetError, match="has a folder train and none called test"):
        split(folder)
    pictures(folder, [f"test/{name}" for name in numbered("happy", "fear")])
    with pytest.raises(DatasetError, match="no file of fear is in train; move some there"):
        split(folder)


def test_the_same_picture_in_two_classes_or_parts_is_refused_with_both_names(folder: Path, tmp_path: Path) -> None:
    pictures(folder, numbered("happy", "sad"))
    (folder / "sad" / "copy.png").write_bytes((folder / "happy" / "7.png").read_bytes())
    with pytest.raises(
        DatasetError, match=r"happy/7\.png and .*sad/copy\.png are the same file, one in the class happy"
    ):
        split(folder)
    parted = pictures(
        tmp_path / "parted", [f"{part}/{name}" for part in ("train", "test") for name in numbered("happy", "sad")]
    )
    (parted / "test" / "sad" / "copy.png").write_bytes((parted / "train" / "sad" / "7.png").read_bytes())
    with pytest.raises(DatasetError, match="are the same file, one in the part train, one in test"):
        split(parted)


def test_a_picture_that_was_saved_anew_in_another_class_is_found_by_what_it_shows(folder: Path) -> None:
    pictures(folder, [f"{part}/{name}" for part in ("train", "val", "test") for name in numbered("happy", "sad")])
    found = split(folder)
    require_learnable(found, preprocess_for_training(FACE, found))
    picture = cv2.imread(str(folder / "train" / "happy" / "7.png"))
    cv2.imwrite(str(folder / "train" / "sad" / "again.bmp"), picture)
    found = split(folder, folder.parent / "another")
    said = r"train/happy/7\.png and train/sad/again\.bmp show the same, one as happy, one as sad; take"
    with pytest.raises(DatasetError, match=said):
        require_learnable(found, preprocess_for_training(FACE, found))


def test_copies_in_one_class_are_used_once_and_counted(folder: Path) -> None:
    pictures(folder, numbered("happy", "sad"))
    (folder / "sad" / "copy.png").write_bytes((folder / "sad" / "7.png").read_bytes())
    found = split(folder)
    assert len(found.train) + len(found.validation) + len(found.test) == 40
    assert found.remarks[0] == "1 files are copies of others and used once"


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (numbered("happy"), "holds happy alone; a net tells apart two emotions at least"),
        (numbered("happy", "sad", each=3), "holds 3 of happy, 3 of sad; 10 files a class are needed at least"),
        (numbered("happy", "grumpy"), "'grumpy' is none of angry, .* a line grumpy = \"angry\" .* --labels"),
        (numbered("1", "2"), "'1' is none of angry"),
    ],
)
def test_what_is_no_corpus_is_named_with_what_is_needed(folder: Path, names: list[str], said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        split(pictures(folder, names))
    assert not (folder.parent / "run").exists()


def test_words_of_one_s_own_are_given_by_a_file(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "labels.toml").write_text('grumpy = "angry"\n"fröhlich" = "happy"\nbored = "none"\n', encoding="utf-8")
    pictures(folder, numbered("grumpy", "fröhlich", "bored"))
    found = split(folder, labels=read_labels(tmp_path / "labels.toml"))
    assert {*found.train.labels} == {0, 3}
    assert found.remarks[0] == "20 files of bored are left out"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("grumpy: angry", r"not a file of labels \(.*line 1.*\); it has lines like grumpy"),
        ('grumpy = "cross"', "grumpy is 'cross'; give one of angry, disgust, .*, or none"),
        ("grumpy = 1", "grumpy is 1; give one of"),
        (None, "not a file of labels .*No such file"),
    ],
)
def test_a_file_of_labels_that_is_none_is_named(tmp_path: Path, text: str | None, said: str) -> None:
    path = tmp_path / "labels.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(AffectdError, match=rf"labels\.toml: {said}"):
        read_labels(path)


def test_what_is_new_since_the_training_is_a_test_but_for_people_who_were_trained_on(folder: Path) -> None:
    before = split(pictures(folder, by_people("{label}/{who}/{number}.png")))
    trained, tested = sorted(people_in(before)["train"])[0], sorted(people_in(before)["test"])[0]
    pictures(folder, [f"happy/{who}/9.png" for who in (trained, tested, "zoe")])
    after = split(folder)
    assert parts(after)["train"] == parts(before)["train"]
    assert parts(after)["test"] - parts(before)["test"] == {f"happy/{who}/9.png" for who in (tested, "zoe")}
    assert after.remarks[:2] == (
        "1 files are new and of people who were trained on; they are left out",
        "2 files are new since the training and part of the test",
    )


@pytest.mark.parametrize("text", ["", "file,label\n", "file,label,subject,part,sha256\na,happy,,exam,0\n", "\0"])
def test_a_damaged_table_of_the_split_is_named(folder: Path, text: str) -> None:
    split(pictures(folder, numbered("happy", "sad")))
    (folder.parent / "run" / SPLIT_FILE).write_text(text)
    with pytest.raises(AffectdError, match=r"split\.csv: .*; train anew under another --id"):
        split(folder)


def test_what_a_run_was_asked_for_is_read_as_it_was_kept(tmp_path: Path) -> None:
    own = OwnFolder("mine", "face", "baseline-face", {"grumpy": "angry"}, "(.+?)-")
    assert read_own(tmp_path) is None
    own.keep(tmp_path)
    assert read_own(tmp_path) == own
    (tmp_path / "own.json").write_text("{}")
    with pytest.raises(AffectdError, match=r"own\.json: not what a training was asked for"):
        read_own(tmp_path)
