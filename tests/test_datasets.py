from pathlib import Path

import numpy as np
import pytest
import soundfile
from synthetic import write_fer2013, write_fer2013_table, write_ravdess, write_votes

from device.readings import EMOTIONS, Emotion
from quantize.datasets import FER2013, FERPLUS, RAVDESS, RAVDESS_FOLDS, Dataset, DatasetError, Split
from quantize.datasets.ravdess import FOLDS
from quantize.datasets.sound import read_clip

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def ravdess(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ravdess(tmp_path_factory.mktemp("corpora") / "ravdess")


@pytest.fixture(scope="module")
def ravdess_split(ravdess: Path) -> Split:
    return RAVDESS.split(ravdess.parent)


def count(split: Split, part: str, emotion: str) -> int:
    return int(np.sum(getattr(split, part).labels == EMOTIONS.index(Emotion(emotion))))


def test_fer2013_comes_in_its_official_split(tmp_path: Path) -> None:
    split = FER2013.split(write_fer2013(tmp_path, each=4))
    assert (len(split.train), len(split.validation), len(split.test)) == (27, 28, 28)


def test_a_face_whose_pixels_are_not_exact_is_not_trained_on(tmp_path: Path) -> None:
    assert "fer2013#1" not in FER2013.split(write_fer2013(tmp_path)).train.names


def test_a_test_face_that_also_stands_in_training_is_not_clean(tmp_path: Path) -> None:
    split = FER2013.split(write_fer2013(tmp_path))
    assert set(split.test.names) - set(split.clean.names) == {"fer2013#56"}
    assert not set(split.clean.groups) & set(split.train.groups)


def test_fer2013s_labels_are_brought_to_our_order(tmp_path: Path) -> None:
    split = FER2013.split(write_fer2013(tmp_path))
    official = ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert [EMOTIONS[i] for i in split.validation.labels[:7]] == official


def test_a_missing_corpus_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"fer2013_ferplus\.npz: FER2013 is not there; .*Kaggle"):
        FER2013.split(tmp_path)
    with pytest.raises(DatasetError, match=r"Actor_08: 0 speech clips of 60; .*Audio_Speech_Actors_01-24\.zip"):
        RAVDESS.split(tmp_path)


def test_half_a_fer2013_is_said_to_be_half(tmp_path: Path) -> None:
    path = write_fer2013(tmp_path) / "fer2013_ferplus.npz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatasetError, match="not a whole FER2013 archive"):
        FER2013.split(tmp_path)


def test_the_challenges_own_table_says_the_same_as_the_archive(tmp_path: Path) -> None:
    of_archive = FER2013.split(write_fer2013(tmp_path / "a", each=1))
    of_table = FER2013.split(write_fer2013_table(tmp_path / "b", each=1))
    for part in ("validation", "test", "clean"):
        one, other = getattr(of_archive, part), getattr(of_table, part)
        assert (one.names, one.groups) == (other.names, other.groups)
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.signals, other.signals)


def table_with(folder: Path, row: int, **changed: str) -> Path:
    path = write_fer2013_table(folder) / "fer2013.csv"
    lines = path.read_text().splitlines()
    columns = dict(zip(("emotion", "pixels", "Usage"), lines[row + 1].split(","), strict=True))
    lines[row + 1] = ",".join((columns | changed).values())
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("pixels", ["1 2 3", "", "a b c", " ".join(["256"] * 48 * 48)])
def test_a_row_without_2304_grey_bytes_is_named_and_left_out(tmp_path: Path, pixels: str) -> None:
    table_with(tmp_path, 3, pixels=pixels)
    split = FER2013.split(tmp_path)
    assert split.train.unreadable == ("fer2013#3",)
    assert "fer2013#3" not in split.train.names
    assert split.test.names[0] == "fer2013#14"


def test_a_row_with_a_label_that_fer2013_does_not_have_is_an_error(tmp_path: Path) -> None:
    table_with(tmp_path, 3, emotion="7")
    with pytest.raises(DatasetError, match="row 3 has the emotion '7'; FER2013 has 0 to 6"):
        FER2013.split(tmp_path)


def test_a_table_that_is_cut_off_is_said_to_be(tmp_path: Path) -> None:
    path = write_fer2013_table(tmp_path) / "fer2013.csv"
    whole = path.read_text()
    path.write_text(whole[: len(whole) - 100])
    with pytest.raises(DatasetError, match=r"row 20 has no Usage .*cut off"):
        FER2013.split(tmp_path)
    path.write_text("\n".join(whole.splitlines()[:15]))
    with pytest.raises(DatasetError, match="holds no row of PrivateTest, so it is not the whole FER2013"):
        FER2013.split(tmp_path)
    path.write_text("something else\n1\n")
    with pytest.raises(DatasetError, match="its columns are not emotion, pixels and Usage"):
        FER2013.split(tmp_path)


def test_rows_that_are_missing_are_remarked(tmp_path: Path) -> None:
    split = FER2013.split(write_fer2013_table(tmp_path))
    assert "FER2013 has 7 of the 3,589 rows of PrivateTest here" in split.remarks


AGREED = "0,0,0,0,9,0,0,0,1,0"
UNDECIDED = "5,5,0,0,0,0,0,0,0,0"
CONTEMPT = "1,0,0,0,0,0,0,9,0,0"
NO_FACE = "0,2,0,0,0,0,0,0,0,8"
DIVIDED = "6,0,0,2,0,1,0,0,0,1"


@pytest.fixture
def ferplus(tmp_path: Path) -> Path:
    """21 rows of FER2013 with votes: the last part begins with four rows that mean no single one of the seven."""
    folder = write_fer2013_table(tmp_path / "fer2013")
    write_votes(folder, [*[AGREED] * 14, UNDECIDED, CONTEMPT, NO_FACE, "0,0,0,0,0,0,0,0,10,0", DIVIDED, AGREED, AGREED])
    return folder


def test_ferplus_keeps_what_more_than_half_call_by_one_of_seven_names(ferplus: Path) -> None:
    split = FERPLUS.split(ferplus.parent)
    assert split.test.names == ["fer2013#18", "fer2013#19", "fer2013#20"]
    assert [EMOTIONS[i] for i in split.test.labels] == ["neutral", "angry", "angry"]


def test_ferplus_without_its_votes_says_where_they_are(tmp_path: Path) -> None:
    write_fer2013_table(tmp_path)
    with pytest.raises(DatasetError, match=r"fer2013new\.csv: the FER\+ votes are not there; .*microsoft/FERPlus"):
        FERPLUS.split(tmp_path)


@pytest.mark.slow
def test_the_real_ferplus_has_the_rows_that_its_authors_tested_on(shared_data: Path) -> None:
    split = FERPLUS.split(shared_data)
    assert len(split.test) == 3137  # and 16 of contempt, their eighth class
    assert not set(split.clean.groups) & set(split.train.groups)


@pytest.mark.parametrize("dataset", [RAVDESS, *RAVDESS_FOLDS], ids=lambda dataset: str(dataset.name))
@pytest.mark.slow
def test_no_actor_is_in_two_parts(ravdess: Path, dataset: Dataset) -> None:
    split = dataset.split(ravdess.parent)
    parts = [set(part.groups) for part in (split.train, split.validation, split.test)]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == 24
    assert all(parts)


@pytest.mark.parametrize("dataset", [FER2013, FERPLUS], ids=lambda dataset: str(dataset.name))
@pytest.mark.slow
def test_no_picture_is_in_training_and_in_the_clean_test(shared_data: Path, dataset: Dataset) -> None:
    split = dataset.split(shared_data)
    assert set(split.test.groups) & set(split.train.groups)
    assert not set(split.clean.groups) & set(split.train.groups)


def test_the_five_folds_test_every_actor_once(ravdess: Path) -> None:
    tested = [set(fold.split(ravdess).test.groups) for fold in RAVDESS_FOLDS]
    assert sum(len(actors) for actors in tested) == len(set.union(*tested)) == 24
    assert tested[3] == set(RAVDESS.split(ravdess).test.groups)


def test_every_actor_is_in_one_fold_and_one_only() -> None:
    assert sorted(actor for fold in FOLDS for actor in fold) == list(range(1, 25))


def test_calm_joins_neutral(ravdess_split: Split) -> None:
    assert count(ravdess_split, "test", "neutral") == 5 * (4 + 8)
    assert count(ravdess_split, "test", "happy") == 5 * 8


def test_the_recording_that_ravdess_holds_twice_is_used_once(ravdess_split: Split) -> None:
    assert "03-01-03-01-02-01-07" in ravdess_split.train.names
    assert "03-01-03-01-02-02-07" not in ravdess_split.train.names


def test_an_actor_with_a_clip_missing_is_named(tmp_path: Path, ravdess: Path) -> None:
    for own in ravdess.iterdir():
        (tmp_path / own.name).mkdir()
        for clip in own.iterdir():
            (tmp_path / own.name / clip.name).symlink_to(clip)
    (tmp_path / "Actor_08" / "03-01-05-02-01-01-08.wav").unlink()
    with pytest.raises(DatasetError, match=r"Actor_08: 59 speech clips of 60"):
        RAVDESS.split(tmp_path)
    (tmp_path / "Actor_08" / "03-01-05-02-01-01-08.wav").write_bytes(b"not a sound")
    with pytest.raises(DatasetError, match=r"03-01-05-02-01-01-08\.wav: not a sound file"):
        list(RAVDESS.split(tmp_path).test.signals)


def test_the_authors_48_khz_wave_files_become_16_khz(ravdess_split: Split) -> None:
    assert {len(signal) for signal in ravdess_split.test.signals} == {320}


def test_channels_are_averaged_and_full_scale_is_kept(tmp_path: Path) -> None:
    stereo = np.array([[32767, 32767], [-32768, -32768], [1000, 3000]], dtype=np.int16)
    soundfile.write(tmp_path / "clip.flac", stereo, 16_000)
    np.testing.assert_array_equal(read_clip(tmp_path / "clip.flac"), [32767, -32768, 2000])


@pytest.mark.slow
def test_the_real_fer2013_leaks_288_test_faces_from_its_training_part(shared_data: Path) -> None:
    split = FER2013.split(shared_data)
    assert (len(split.validation), len(split.test), len(split.clean)) == (3589, 3589, 3301)
    assert not set(split.clean.groups) & set(split.train.groups)
