"""Corpora that are a test as a whole, in their authors' layouts, and anybody's own folder."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
from corpora import CREMA_D, EMODB, FACES, PEOPLE, TESS, VOICES, dataset, shown, write
from synthetic import write_clips, write_pictures

from device.readings import EMOTIONS
from device.signals import SAMPLE_RATE_HZ
from quantize.datasets import NAMES, DatasetError, UnreadableSignal, find_dataset
from quantize.datasets.sound import read_clip


@pytest.mark.slow
@pytest.mark.parametrize("name", PEOPLE)
def test_an_official_layout_is_a_test_with_its_people_apart(name: str, tmp_path: Path) -> None:
    split = dataset(name).split(write(name, tmp_path).parent)
    assert (len(split.train), len(split.validation)) == (0, 0)
    assert set(split.test.groups) == PEOPLE[name]
    assert len(set(split.test.names)) == len(split.test)
    assert {signal.ndim for signal in split.test.signals} == {1 if name in VOICES else 2}


@pytest.mark.parametrize("name", [name for name in PEOPLE if name != "rakshak"])
def test_a_small_copy_of_a_corpus_is_remarked_with_the_whole_ones_name(name: str, tmp_path: Path) -> None:
    (remark,) = dataset(name).split(write(name, tmp_path)).remarks
    assert " of the " in remark
    assert "the whole: " in remark


def test_a_corpus_whose_size_nobody_tells_is_not_said_to_be_small(tmp_path: Path) -> None:
    assert dataset("rakshak").split(write("rakshak", tmp_path)).remarks == ()


@pytest.mark.parametrize("name", PEOPLE)
def test_a_corpus_that_is_not_there_is_named_with_where_to_get_it(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"get .*\w"):
        dataset(name).split(tmp_path)
    with pytest.raises(DatasetError, match="there is no such folder"):
        dataset(name).split(tmp_path / "elsewhere")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*VOICES, *FACES])
def test_a_corpus_without_one_of_its_emotions_is_half_a_corpus(name: str, tmp_path: Path) -> None:
    folder = write(name, tmp_path)
    split = dataset(name).split(folder)
    happy = [n for n, label in zip(split.test.names, split.test.labels, strict=True) if EMOTIONS[label] == "happy"]
    for path in [path for path in folder.rglob("*.*") if path.stem in happy]:
        path.unlink()
    with pytest.raises(DatasetError, match=r"half of .* \(get .*\): not one sample of happy"):
        dataset(name).split(folder)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("tess", "OAF_back_bored.wav"),
        ("nemo", "EB0_boredom_2.wav"),
        ("crema_d", "1001_IEO_BOR_XX.wav"),
        ("emodb", "03a01Xa.wav"),
        ("emovo", "noi-f1-b1.wav"),
        ("turev", "1157_xx_acik.wav"),
        ("rakshak", "webservice/help-safe-bored-1-4e520c6f92b9.wav"),
        ("jaffe", "KA.XX1.4.tiff"),
        ("kdef", "AF01XXS.JPG"),
    ],
)
def test_a_file_with_a_label_outside_the_taxonomy_is_named(name: str, file: str, tmp_path: Path) -> None:
    folder = write(name, tmp_path)
    (folder / file).touch()
    with pytest.raises(DatasetError, match=rf"{file}: '\w+' is no emotion of "):
        dataset(name).split(folder)


def test_emodbs_boredom_is_left_out(tmp_path: Path) -> None:
    split = dataset("emodb").split(write("emodb", tmp_path))
    assert len(split.test) == len(EMODB) - 1
    assert "surprise" not in shown(split)


def test_kdef_is_seen_from_the_front_and_a_person_is_one_in_both_sessions(tmp_path: Path) -> None:
    folder = write_pictures(write("kdef", tmp_path), ["KDEF/BF01/BF01ANS.JPG"])
    split = dataset("kdef").split(folder)
    assert all(name.endswith("S") for name in split.test.names)
    assert Counter(split.test.groups)["F01"] == 8


def test_of_ckplus_the_last_picture_of_a_sequence_counts_and_one_neutral_a_person(tmp_path: Path) -> None:
    split = dataset("ckplus").split(write("ckplus", tmp_path))
    assert shown(split) == Counter({str(emotion): 1 for emotion in EMOTIONS} | {"neutral": 2})
    assert "S005_001_00000001" in split.test.names
    assert "S005_002_00000003" not in split.test.names  # contempt


def test_half_of_ckplus_and_a_label_that_it_does_not_have_are_named(tmp_path: Path) -> None:
    folder = write("ckplus", tmp_path)
    label = next((folder / "Emotion").rglob("S010_003*.txt"))
    label.write_text("9.0")
    with pytest.raises(DatasetError, match=r"S010_003_00000003_emotion\.txt: 9 is no emotion of CK\+"):
        dataset("ckplus").split(folder)
    (folder / "Emotion").rename(folder / "Labels")
    with pytest.raises(DatasetError, match=r"has no folder Emotion there; get .*Emotion_labels\.zip"):
        dataset("ckplus").split(folder)


def test_a_corpus_that_a_copy_holds_twice_is_used_once(tmp_path: Path) -> None:
    folder = write_clips(tmp_path, [*TESS, *(f"again/{name}" for name in TESS)])
    assert len(dataset("tess").split(folder).test) == len(TESS)


def test_crema_d_takes_the_sound_file_where_there_are_both(tmp_path: Path) -> None:
    folder = write("crema_d", tmp_path)
    (folder / "VideoFlash").mkdir()
    (folder / "VideoFlash" / "1001_IEO_ANG_XX.flv").write_bytes(b"not a film")
    split = dataset("crema_d").split(folder)
    assert len(split.test) == len(list(split.test.signals)) == len(CREMA_D)


@pytest.mark.slow
def test_the_real_films_of_crema_d_are_heard(shared_data: Path) -> None:
    split = dataset("crema_d").split(shared_data)
    assert set(shown(split)) == {"angry", "disgust", "fear", "happy", "neutral", "sad"}
    assert all(1 < len(clip) / 16_000 < 4 for clip in split.test.signals)
    assert all(np.abs(clip).max() > 500 for clip in split.test.signals)


@pytest.mark.slow
def test_the_real_tess_and_nemo_are_whole_and_half(shared_data: Path) -> None:
    assert Counter(shown(dataset("tess").split(shared_data)).values()) == {400: 7}
    assert dataset("tess").split(shared_data).remarks == ()
    assert "2,235 of the 4,481" in dataset("nemo").split(shared_data).remarks[0]


@pytest.mark.parametrize("suffix", ["mp3", "flac"])
@pytest.mark.parametrize("share", [0, 0.01])
def test_an_empty_or_cut_off_sound_file_is_said_not_to_decode_rather_than_not_to_be_there(
    suffix: str, share: float, tmp_path: Path
) -> None:
    path = tmp_path / f"whole.{suffix}"
    soundfile.write(path, np.random.default_rng(1).normal(0, 0.1, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(UnreadableSignal, match="not a sound file that can be read") as told:
        read_clip(path)
    assert "exist" not in str(told.value)
    assert str(told.value).count(str(path)) == 1
    if suffix == "mp3":
        assert "(it does not decode)" in str(told.value)


@pytest.mark.parametrize(
    ("name", "kind", "held"),
    [
        ("folder", "face", "your files as <label>/*"),
        ("folder", "speech", "your files as <label>/*"),
        ("ravdess-f2", "speech", "ravdess"),
        ("ferplus", "face", "fer2013"),
        ("tess", "speech", "tess"),
    ],
)
def test_where_there_is_no_folder_it_says_what_the_right_one_holds(name: str, kind: str, held: str) -> None:
    message = f"nowhere: there is no such folder; name the one that holds {held} with --root"
    with pytest.raises(DatasetError, match=re.escape(message)):
        find_dataset(name, kind).split(Path("nowhere"))


def test_every_corpus_has_a_name_and_a_model_of_the_other_kind_is_told_which_it_can_use() -> None:
    wanted = "fer2013 ferplus ravdess tess nemo crema_d jaffe ckplus kdef emodb folder"
    assert set(wanted.split()) <= set(NAMES)
    with pytest.raises(DatasetError, match="tess cannot score a face model; these can: fer2013, ferplus"):
        find_dataset("tess", "face")
