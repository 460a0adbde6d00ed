from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from perception import Grey, astronaut, detector, model

from device.arrays import FloatArray
from device.errors import ModelError
from device.models.card import Card
from device.models.face_emotion import FaceRecogniser
from device.models.net import Net
from device.models.probabilities import temperature_scaled
from device.readings import EMOTIONS, Emotion, Modality, Reading
from device.signals import Frame


def recogniser() -> FaceRecogniser:
    return FaceRecogniser(detector(), model("baseline-face"))


def best(reading: Reading) -> Emotion:
    return EMOTIONS[int(np.argmax(reading.probs))]


def test_a_smiling_astronaut_is_happy() -> None:
    reading = recogniser()(Frame(42, astronaut()))
    assert reading is not None
    assert (reading.modality, reading.captured_ns, best(reading)) == (Modality.FACE, 42, Emotion.HAPPY)
    assert sum(reading.probs) == pytest.approx(1)
    assert 0.9 <= reading.quality <= 1


@pytest.mark.slow
def test_the_same_frames_give_the_same_readings() -> None:
    frames = [Frame(i * 100_000_000, astronaut()) for i in range(12)]
    first, second = recogniser(), recogniser()
    assert [first(f) for f in frames] == [second(f) for f in frames]


class Counted:
    """A net that counts how often it is asked."""

    def __init__(self, net: Net) -> None:
        self._net, self.calls = net, 0

    @property
    def card(self) -> Card:
        return self._net.card

    def __call__(self, *values: FloatArray) -> tuple[FloatArray, ...]:
        self.calls += 1
        return self._net(*values)


def test_a_face_that_does_not_change_is_read_once_and_told_of_each_frame() -> None:
    net = Counted(model("baseline-face"))
    recognise = FaceRecogniser(detector(), net)
    readings = [recognise(Frame(number * 100_000_000, astronaut())) for number in range(14)]
    assert [r.captured_ns for r in readings if r] == [number * 100_000_000 for number in range(14)]
    assert net.calls <= 4, "as it was found, and where the detector frames it otherwise"
    assert len({r.probs for r in readings if r}) <= net.calls


def test_small_changes_are_counted_from_the_crop_that_was_read() -> None:
    net = Counted(model("baseline-face"))
    recognise = FaceRecogniser(detector(), net)
    darker = [np.asarray(astronaut() * (1 - 0.004 * step), dtype=np.uint8) for step in range(20)]
    for number, grey in enumerate(darker):
        assert recognise(Frame(number * 100_000_000, grey))
    assert 3 <= net.calls <= 12


def test_a_blurred_face_gives_a_reading_of_less_quality() -> None:
    blurred = cv2.GaussianBlur(astronaut(), (0, 0), 5)
    clear, unclear = recogniser()(Frame(0, astronaut())), recogniser()(Frame(0, blurred))
    assert clear is not None
    assert unclear is not None
    assert unclear.quality < 0.5 * clear.quality


@pytest.mark.slow
@pytest.mark.parametrize(
    "grey",
    [
        np.zeros((0, 0), dtype=np.uint8),
        np.zeros((1, 1), dtype=np.uint8),
        np.full((480, 640), 255, dtype=np.uint8),
        np.zeros((4320, 7680), dtype=np.uint8),
        astronaut()[200:, :],
    ],
    ids=["no pixels", "one pixel", "white", "black 8K", "a space suit without a face"],
)
def test_no_face_no_reading(grey: Grey) -> None:
    recognise = recogniser()
    assert [recognise(Frame(i * 100_000_000, grey)) for i in range(8)] == [None] * 8
    assert recognise.finish() is None


def test_a_speech_model_is_refused() -> None:
    with pytest.raises(ModelError, match="kind is 'speech'"):
        FaceRecogniser(detector(), model("baseline-speech"))


def test_a_model_made_for_other_features_is_refused() -> None:
    class Older:
        card = replace(model("baseline-face").card, features="face48/0")

    with pytest.raises(ModelError, match="face48/0"):
        FaceRecogniser(detector(), Older())  # type: ignore[arg-type]


SOFTMAX = np.array([0.1, 0, 0.05, 0.5, 0.2, 0.1, 0.05], dtype=np.float32)


def test_temperature_flattens_and_keeps_the_order() -> None:
    warm, cold = temperature_scaled(SOFTMAX, 2.0), temperature_scaled(SOFTMAX, 0.5)
    assert warm[3] < 0.5 < cold[3]
    assert warm[3] / warm[4] == pytest.approx((0.5 / 0.2) ** 0.5)
    assert np.argsort(warm, kind="stable").tolist() == np.argsort(SOFTMAX, kind="stable").tolist()


def test_temperature_one_only_makes_the_sum_one() -> None:
    assert temperature_scaled(np.float32(0.5) * SOFTMAX, 1.0) == pytest.approx(tuple(SOFTMAX), abs=1e-6)


def test_an_output_of_zeros_reports_nothing() -> None:
    assert temperature_scaled(np.zeros(7, dtype=np.float32), 1.5) == pytest.approx((1 / 7,) * 7)
