"""Several corpora as one, and how its voices are varied and drawn."""

from pathlib import Path

import numpy as np
import pytest
from synthetic import voice, voices, write_clips, write_ravdess

from device.features import prosody
from device.features.frames import speech_frames
from device.features.mel import BANDS, FRAMES, log_energies
from device.readings import EMOTIONS
from quantize.augment.copies import COPIES, PROSODIC, CopyLibrary
from quantize.augment.voices import varied_energies, varied_sound
from quantize.datasets import Dataset, DatasetError, Samples
from quantize.datasets.voices import corpus_of, without_corpus, without_fold
from quantize.training.batches import BalancedSampler, sample_weights

pytestmark = pytest.mark.slow

TESS_NAMES = [f"tess/{who}_back_{what}.wav" for who in ("OAF", "YAF") for what in
              ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")]  # fmt: skip
NEMO_NAMES = [f"nemo/{who}_{what}_1.wav" for who in ("SK0", "WR0") for what in
              ("anger", "fear", "happiness", "neutral", "sadness", "surprised")]  # fmt: skip


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    write_ravdess(root / "ravdess")
    write_clips(root, [*TESS_NAMES, *NEMO_NAMES, "noise/a.wav", "noise/b.wav"])
    return root


def test_no_actor_of_the_test_fold_is_trained_on_and_everybody_else_is(corpora: Path) -> None:
    split = without_fold(3).split(corpora)
    assert {int(group[-2:]) for group in split.test.groups} == {8, 17, 21, 23, 24}
    assert not set(split.test.groups) & set(split.train.groups)
    assert len({group for group in split.train.groups if group.startswith("ravdess/")}) == 19
    assert {corpus_of(name) for name in split.train.names} == {"ravdess", "tess", "nemo"}
    assert len(split.validation) == 0


@pytest.mark.parametrize("several", [without_fold(3), without_corpus("tess")])
def test_where_there_is_no_folder_the_corpora_that_belong_there_are_named(several: Dataset) -> None:
    with pytest.raises(DatasetError, match=r"nowhere: .* the one that holds ravdess, tess, nemo and noise with --root"):
        several.split(Path("nowhere"))


@pytest.mark.parametrize("name", ["tess", "nemo"])
def test_of_a_corpus_left_out_nothing_is_trained_on(corpora: Path, name: str) -> None:
    split = without_corpus(name).split(corpora)
    assert {corpus_of(own) for own in split.test.names} == {name}
    assert name not in {corpus_of(own) for own in split.train.names}
    assert len({group for group in split.train.groups if group.startswith("ravdess/")}) == 24


def test_the_real_corpora_share_neither_actor_nor_sound(shared_data: Path) -> None:
    split = without_fold(0).split(shared_data)
    assert not set(split.train.groups) & set(split.test.groups)
    trained = {split.train.signals[i].tobytes() for i in range(0, len(split.train), 97)}
    assert not trained & {split.test.signals[i].tobytes() for i in range(0, len(split.test), 7)}


def test_a_varied_voice_is_another_one_and_repeats_with_its_seed() -> None:
    spoken = voice(np.random.default_rng(1), pitch_hz=140)
    noise = np.random.default_rng(2).normal(0, 500, 8_000).astype(np.int16)
    once, again, other = (varied_sound(spoken, [noise], np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, spoken)
    assert len(other) != len(once) or not np.array_equal(once, other)
    assert 0.8 < len(once) / len(spoken) < 1.2


def test_the_first_copy_of_a_segment_is_the_segment_itself() -> None:
    samples = voices(each=1).train.take([0, 3])
    library, noise = CopyLibrary(), np.random.default_rng(2).normal(0, 500, 8_000).astype(np.int16)
    copies = library.copies_of(samples, [noise])
    assert [len(own) for own in copies.energies] == [1 + COPIES] * 2
    np.testing.assert_allclose(copies.energies[1][0], log_energies(samples.signals[1]), rtol=1e-3, atol=0.02)
    np.testing.assert_array_equal(copies.drawn(0, np.random.default_rng(1), clean_share=1), copies.energies[0][0])
    rows = library.prosody_of(samples, [noise])
    assert rows.shape == (2, PROSODIC, BANDS)
    for own, said in zip(rows, samples.signals, strict=True):
        np.testing.assert_array_equal(own[0], prosody.row(speech_frames(said)))
        assert not np.array_equal(own[1], own[0])


def test_copies_are_made_once_and_do_not_depend_on_what_else_is_trained_on() -> None:
    samples, library = voices(each=1).train, CopyLibrary()
    all_of_them = library.copies_of(samples, [])
    assert library.copies_of(samples.take([5]), []).energies[0] is all_of_them.energies[5]
    alone = CopyLibrary().copies_of(samples.take([5]), [])
    np.testing.assert_array_equal(alone.energies[0][3], all_of_them.energies[5][3])


@pytest.mark.parametrize("frames", [1, 2, 31, 33, 128, 300])
def test_varied_energies_are_a_piece_that_a_net_can_take(frames: int) -> None:
    energies = np.random.default_rng(frames).normal(10, 2, (frames, BANDS))
    for seed in range(20):
        piece = varied_energies(energies, np.random.default_rng(seed))
        assert 1 <= len(piece) <= FRAMES
        assert piece.shape[1] == BANDS
        assert np.isfinite(piece).all()


def test_each_corpus_has_its_share_and_each_class_of_it_the_same() -> None:
    labels = np.array([0] * 6 + [1] * 2 + [0] * 30 + [2] * 10)
    names = [f"ravdess/{i}" for i in range(8)] + [f"tess/{i}" for i in range(40)]
    samples = Samples(names, [np.zeros(1)] * 48, labels, names)
    weights = sample_weights(samples, {"ravdess": 0.6, "tess": 0.2, "nemo": 0.2})
    assert weights[:8].sum() == pytest.approx(0.75)
    assert weights[:6].sum() == pytest.approx(weights[6:8].sum())
    assert weights[8:38].sum() == pytest.approx(weights[38:].sum())


def test_an_epoch_gives_batches_of_inputs_and_smoothed_labels() -> None:
    split = voices(each=1)
    course = BalancedSampler(batch_size=4, steps=3, shares={"alice-0": 1} | {f"alice-{i}": 1 for i in range(7)},
                            clean_share=0.2, smoothing=0.07)(split)  # fmt: skip
    batches = list(course.epoch(1, np.random.default_rng(1)))
    assert len(batches) == course.steps == 3
    inputs, aims = batches[0]
    assert inputs.shape == (4, FRAMES + 1, BANDS, 1)
    assert not inputs[:, FRAMES].any()  # prosody is fitted apart
    np.testing.assert_allclose(aims.sum(axis=1), 1, rtol=1e-6)
    assert aims.max() == pytest.approx(0.94)
    assert len(EMOTIONS) == 7
