"""A folder of one's own as a corpus."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from corpora import shown
from synthetic import write_clips, write_pictures

from device.readings import Emotion
from quantize.datasets import DatasetError, UnreadableSignal, find_dataset
from quantize.datasets.labels import WORDS, emotion_called


def test_a_folder_takes_pictures_for_one_model_and_sounds_for_another(tmp_path: Path) -> None:
    write_pictures(tmp_path, ["Angry/1.JPG", "happiness/a.png", "happiness/b.webp"])
    write_clips(tmp_path, ["Angry/1.wav", "happiness/1.flac", "happiness/2.ogg"])
    faces, voices = (find_dataset("folder", kind).split(tmp_path) for kind in ("face", "speech"))
    assert shown(faces) == shown(voices) == Counter(angry=1, happy=2)
    assert voices.test.names == ["Angry/1.wav", "happiness/1.flac", "happiness/2.ogg"]
    assert {signal.dtype for signal in voices.test.signals} == {np.dtype(np.int16)}
    assert "1 files are no pictures" not in faces.remarks[0]
    assert faces.remarks[0].startswith("3 files are no pictures and left out, first ")


def test_calm_is_neutral_and_contempt_is_left_out_and_counted(tmp_path: Path) -> None:
    split = find_dataset("folder", "speech").split(write_clips(tmp_path, ["calm/1.wav", "sad/1.wav", "contempt/1.wav"]))
    assert shown(split) == Counter(neutral=1, sad=1)
    assert split.remarks == ("1 files of contempt are left out",)


@pytest.mark.parametrize("label", ["boredom", "train", "1", "other"])
def test_a_folder_that_is_called_like_no_emotion_is_an_error(tmp_path: Path, label: str) -> None:
    write_clips(tmp_path, ["sad/1.wav", f"{label}/1.wav"])
    with pytest.raises(DatasetError, match=f"{label}: '{label}' is none of angry, disgust, .*rename"):
        find_dataset("folder", "speech").split(tmp_path)


def test_an_emotion_without_a_file_and_a_folder_without_emotions_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no folder called like an emotion"):
        find_dataset("folder", "face").split(tmp_path)
    write_clips(tmp_path, ["sad/1.wav"])
    (tmp_path / "fear").mkdir()
    with pytest.raises(DatasetError, match=r"fear: holds no sounds or films \(\.wav "):
        find_dataset("folder", "speech").split(tmp_path)


def test_copies_of_a_file_are_one_group(tmp_path: Path) -> None:
    for name in ("sad/1.wav", "sad/2.wav"):
        write_clips(tmp_path, [name])
    assert len(set(find_dataset("folder", "speech").split(tmp_path).test.groups)) == 1


@pytest.mark.parametrize(
    ("label", "emotion"),
    [
        *((word, emotion) for emotion, words in WORDS.items() for word in words),
        ("Pleasant_Surprise", Emotion.SURPRISE),
        (" ANGER ", Emotion.ANGRY),
        ("Contempt", None),
    ],
)
def test_people_have_many_words_for_seven_emotions(label: str, emotion: Emotion | None) -> None:
    assert emotion_called(label) == emotion


def test_a_picture_and_a_clip_that_do_not_decode_are_told_apart_from_the_rest(tmp_path: Path) -> None:
    for name in ("sad/broken.png", "sad/broken.wav", "sad/broken.mp4", "sad/empty.flac"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"neither a picture nor a sound")
    for kind in ("face", "speech"):
        samples = find_dataset("folder", kind).split(tmp_path).test
        for i in range(len(samples)):
            with pytest.raises(UnreadableSignal, match=r"(broken|empty)\.\w+: "):
                samples.signals[i]
