import json
from pathlib import Path

import numpy as np
import pytest
from synthetic import voice

from device.features.mel import WINDOW_SAMPLES
from device.features.speech import SPEECH_FEATURES
from device.features.speech_windows import SpeechWindower
from device.signals import AudioBlock
from quantize.augment import voices
from quantize.conversion import calibration
from quantize.datasets import DatasetError, Samples
from quantize.inputs import front_ends

SEEDS = range(30)


def hum() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return voice(np.random.default_rng(0), pitch_hz=150)


def numbered(count: int) -> Samples:
    names = [f"sample-{i}" for i in range(count)]
    return Samples(names, [np.zeros(1)] * count, np.zeros(count, dtype=np.int64), names)


@pytest.mark.parametrize(
    "front_end",
    [front_ends.SPEECH, front_ends.PROSODIC_SPEECH, front_ends.RELATIVE_SPEECH],
    ids=lambda front_end: front_end.features,
)
def test_the_workshop_computes_what_the_appliance_serves_at_the_end_of_a_stretch(
    front_end: front_ends.CorpusFrontEnd,
) -> None:
    clip = hum()
    framer = SpeechWindower(SPEECH_FEATURES[front_end.features]())
    windows = [*framer.push(AudioBlock(0, 0, clip)), *framer.finish()]
    segment = front_ends.longest_segment(clip)
    assert segment is not None
    np.testing.assert_allclose(front_end.served(segment)[..., 0], windows[-1].features, atol=1e-5)


def test_silence_is_heard_as_nothing() -> None:
    assert front_ends.longest_segment(np.zeros(32_000, dtype=np.int16)) is None


def test_a_face_is_served_between_0_and_1() -> None:
    picture = np.arange(48 * 48, dtype=np.uint16).reshape(48, 48).astype(np.uint8)
    served = front_ends.served_face(picture)
    assert served.shape == (48, 48, 1)
    assert served.dtype == np.float32
    assert (served.min(), served.max()) == (0, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_varied_inputs_have_the_shape_and_type_of_served_ones(seed: int) -> None:
    rng = np.random.default_rng(seed)
    face = front_ends.varied_face(np.full((48, 48), seed, dtype=np.uint8), rng)
    speech, energies = front_ends.varied_speech(hum(), rng), front_ends.varied_log_mel(hum(), rng)
    assert [face.shape, speech.shape, energies.shape] == [(48, 48, 1), (128, 40, 1), (129, 40, 1)]
    assert face.dtype == speech.dtype == energies.dtype == np.float32
    assert np.isfinite(speech).all()
    assert np.isfinite(energies).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_cut_is_a_piece_of_the_stretch_of_no_more_than_3_s(seed: int) -> None:
    segment = np.arange(-32_000, 28_000, dtype=np.int16)
    piece = voices.cut_somewhere(segment, np.random.default_rng(seed))
    assert voices.MIN_CUT_SAMPLES <= len(piece) <= WINDOW_SAMPLES
    assert (np.diff(piece) == 1).all()


def test_a_stretch_shorter_than_the_shortest_cut_is_kept_whole() -> None:
    segment = np.arange(4000, dtype=np.int16)
    assert len(voices.cut_somewhere(segment, np.random.default_rng(0))) == 4000


def test_variation_repeats_with_its_seed_and_changes_with_it() -> None:
    once, again, other = (front_ends.varied_speech(hum(), np.random.default_rng(seed)) for seed in (4, 4, 5))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_masks_leave_the_original_alone() -> None:
    features = np.ones((128, 40, 1), dtype=np.float32)
    masked = voices.masked(features, np.random.default_rng(1))
    assert features.all()
    assert not masked.all()


def test_a_calibration_set_is_drawn_once_and_then_kept(tmp_path: Path) -> None:
    path = tmp_path / "sets" / "pinned.json"
    first = calibration.pinned(path, numbered(1000))
    kept = path.read_bytes()
    second = calibration.pinned(path, numbered(2000))
    assert first.names == second.names
    assert path.read_bytes() == kept
    assert len(first) == calibration.CALIBRATION_SAMPLES


def test_a_calibration_set_of_another_corpus_is_named(tmp_path: Path) -> None:
    path = tmp_path / "pinned.json"
    path.write_text(json.dumps({"seed": 1, "samples": ["sample-1", "elsewhere-7"]}))
    with pytest.raises(DatasetError, match="not in the training part, first elsewhere-7"):
        calibration.pinned(path, numbered(5))
