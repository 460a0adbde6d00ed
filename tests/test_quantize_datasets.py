from pathlib import Path

import numpy as np
import pytest
import soundfile
from synthetic import write_fer2013, write_ravdess

from device.readings import EMOTIONS, Emotion
from quantize.datasets import FER2013, RAVDESS, DatasetError, Split
from quantize.datasets.ravdess import FOLDS
from quantize.datasets.sound import read_clip


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
    with pytest.raises(DatasetError, match=r"Actor_02: 0 speech clips of 60; .*Audio_Speech_Actors_01-24\.zip"):
        RAVDESS.split(tmp_path)


def test_half_a_fer2013_is_said_to_be_half(tmp_path: Path) -> None:
    path = write_fer2013(tmp_path) / "fer2013_ferplus.npz"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DatasetError, match="not a whole FER2013 archive"):
        FER2013.split(tmp_path)


def test_no_actor_is_in_two_parts(ravdess_split: Split) -> None:
    parts = [set(part.groups) for part in (ravdess_split.train, ravdess_split.validation, ravdess_split.test)]
    assert [len(part) for part in parts] == [15, 4, 5]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


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


def test_the_real_fer2013_leaks_288_test_faces_from_its_training_part(shared_data: Path) -> None:
    split = FER2013.split(shared_data)
    assert (len(split.validation), len(split.test), len(split.clean)) == (3589, 3589, 3301)
    assert not set(split.clean.groups) & set(split.train.groups)
