"""An explanation points to what moves the net, and shares an answer out among the modalities."""

from __future__ import annotations

import base64
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from estimates import probabilities
from numpy.typing import NDArray
from perception import Grey, astronaut, blocks, detector, in_a_room, model, pause, spoken

from desktop_server.analysis.explanation import (
    MASKINGS,
    MaskableInput,
    ModalityInput,
    attribution_map,
    blurred_background,
    contributions,
    explain,
    mean_background,
)
from desktop_server.faithfulness.curves import TENTH, areas
from desktop_server.inference.onnx import float_models_folder, load_onnx_net
from device.arrays import FloatArray
from device.capture.films import film_frames
from device.features.speech import SPEECH_FEATURES
from device.features.speech_windows import SpeechWindower
from device.fusion.rules import RULES
from device.models.card import read_card
from device.models.face_emotion import crop_of
from device.models.net import Net
from device.models.probabilities import served
from device.models.track import every_face
from device.readings import EMOTIONS, Emotion, Modality, Reading
from device.signals import Frame

pytestmark = pytest.mark.slow

CLIPS = Path(__file__).resolve().parents[1] / "deploy" / "demo" / "crema_d"
SETS = ("affectd-1", "baseline")


@cache
def net(name: str) -> Net:
    folder = float_models_folder()
    return load_onnx_net(read_card(folder / f"{name}.json"), folder, provider="cpu")


def reading(modality: Modality, label: str, confidence: float, quality: float = 1.0) -> Reading:
    return Reading(modality, 0, probabilities(label, confidence), quality)


def crop(grey: Grey) -> FloatArray:
    found = crop_of(Frame(0, grey), every_face(detector(), grey)[0])
    assert found is not None
    return found.pixels


@cache
def window(features: str) -> FloatArray:
    framer = SpeechWindower(SPEECH_FEATURES[features]())
    sound = in_a_room(pause(0.6), spoken(2.5), pause(0.8))
    windows = [w for block in blocks(sound) for w in framer.push(block)]
    return (windows + framer.finish())[-1].features


def best_label(own: Net, values: FloatArray) -> Emotion:
    return EMOTIONS[int(np.argmax(served(own.card, own(values)[0])))]


def evidence(own: Net, values: FloatArray, modality: Modality) -> ModalityInput:
    return ModalityInput(own, values, Reading(modality, 0, served(own.card, own(values)[0])))


@pytest.mark.parametrize("name", SETS)
def test_a_face_is_explained_in_the_crop_that_the_net_saw(name: str) -> None:
    own, pixels = net(f"{name}-face"), crop(astronaut())
    said = explain({Modality.FACE: evidence(own, pixels, Modality.FACE)}, rule="average", label=Emotion.HAPPY)
    found = np.array(said.face_map)
    assert found.shape == (48, 48)
    assert (found.min(), found.max()) == (0, 1)
    assert (said.speech_map, said.speech_features) == (None, None)
    png = np.frombuffer(base64.b64decode(said.face_crop_png_base64 or ""), dtype=np.uint8)
    assert np.array_equal(np.asarray(cv2.imdecode(png, cv2.IMREAD_UNCHANGED)), np.rint(pixels[..., 0] * 255))


@pytest.mark.parametrize("name", SETS)
def test_a_voice_is_explained_in_moments_and_bands(name: str) -> None:
    own = net(f"{name}-speech")
    heard = evidence(own, window(own.card.features), Modality.SPEECH)
    said = explain({Modality.SPEECH: heard}, rule="average", label=best_label(own, heard.values))
    assert np.array(said.speech_map).shape == np.array(said.speech_features).shape == (128, 40)
    assert np.max(said.speech_map or 0) == 1
    assert said.face_map is None


def test_the_map_of_a_smile_is_strongest_in_the_lower_half() -> None:
    places = attribution_map(
        MaskableInput(net("affectd-1-face"), crop(astronaut())), MASKINGS[Modality.FACE], Emotion.HAPPY
    )
    speaking = np.maximum(places, 0)
    assert speaking[24:].sum() > 2 * speaking[:24].sum()


@pytest.mark.parametrize("name", SETS)
def test_a_blank_picture_has_an_empty_map(name: str) -> None:
    flat = np.full((48, 48, 1), 0.5, dtype=np.float32)
    seen = evidence(net(f"{name}-face"), flat, Modality.FACE)
    assert np.all(np.array(explain({Modality.FACE: seen}, rule="average", label=Emotion.SAD).face_map) == 0)


def test_the_same_input_is_explained_in_the_same_way_twice() -> None:
    seen = {Modality.FACE: evidence(net("affectd-1-face"), crop(astronaut()), Modality.FACE)}
    assert explain(seen, rule="average", label=Emotion.HAPPY) == explain(seen, rule="average", label=Emotion.HAPPY)


def test_an_int8_net_points_where_its_float_twin_does() -> None:
    pixels, masking = crop(astronaut()), MASKINGS[Modality.FACE]
    twins = (model("baseline-face"), net("baseline-face"))
    maps = [attribution_map(MaskableInput(own, pixels), masking, Emotion.HAPPY) for own in twins]
    assert np.corrcoef(maps[0].ravel(), maps[1].ravel())[0, 1] > 0.9


@pytest.mark.parametrize("name", SETS)
def test_hiding_the_most_important_tenth_of_a_face_costs_more_than_hiding_another_tenth(name: str) -> None:
    own, falls, random_falls = net(f"{name}-face"), [], []
    for clip in sorted(CLIPS.glob("*.flv")):
        _, grey = next(film_frames(clip, start_ns=0, length_ns=10**10, rate_hz=None))
        places = MaskableInput(own, crop(grey))
        label = best_label(own, places.values)
        falls.append(fall_of(places, attribution_map(places, MASKINGS[Modality.FACE], label), label))
        blots = cv2.GaussianBlur(np.random.default_rng(2).normal(size=(48, 48)), (0, 0), 4)
        random_falls.append(fall_of(places, blots.astype(np.float32), label))
    assert len(falls) == 6
    assert np.mean(falls) > 0.1 + np.mean(random_falls)


def fall_of(places: MaskableInput, shown: FloatArray, label: Emotion) -> float:
    hidden = blurred_background(places.picture)
    return areas(lambda pictures: places.probs(pictures, label), places.picture, hidden, shown).tenth


def test_prosody_is_kept_while_frames_are_masked() -> None:
    own = net("affectd-1-speech")
    values = window(own.card.features)
    places = MaskableInput(own, values)
    assert places.picture.shape == (128, 40)
    given = places.inputs(np.stack([places.picture, mean_background(places.picture)]))
    np.testing.assert_array_equal(given[0].reshape(values.shape), values)
    np.testing.assert_array_equal(given[1].reshape(values.shape)[128:], values[128:])
    assert np.ptp(given[1].reshape(values.shape)[:128]) == 0


def test_deletion_and_insertion_rank_a_right_map_above_a_wrong_one() -> None:
    picture = np.zeros((10, 10), dtype=np.float32)
    picture[:2] = 1.0  # all that the label hangs on

    def probs(pictures: FloatArray) -> NDArray[np.float64]:
        return np.asarray(pictures[:, :2].mean(axis=(1, 2)), dtype=np.float64)

    right = areas(probs, picture, np.zeros_like(picture), picture)
    wrong = areas(probs, picture, np.zeros_like(picture), -picture)
    assert right.gap == pytest.approx(-wrong.gap)
    assert right.deletion == pytest.approx(0.1)
    assert right.insertion == pytest.approx(0.9)
    assert right.tenth == pytest.approx(0.5)
    assert wrong.tenth == pytest.approx(0.0)
    assert TENTH == 2


def test_the_background_is_the_mean_of_a_voice_and_a_blur_of_a_face() -> None:
    picture = np.random.default_rng(1).random((48, 48), dtype=np.float32)
    assert np.ptp(mean_background(picture)) == 0
    assert np.ptp(blurred_background(picture)) < 0.2


@pytest.mark.parametrize("rule", RULES)
def test_contributions_add_up_to_the_fused_probability(rule: str) -> None:
    readings = {
        Modality.FACE: reading(Modality.FACE, "happy", 0.7, quality=0.9),
        Modality.SPEECH: reading(Modality.SPEECH, "sad", 0.5, quality=0.6),
    }
    fused = RULES[rule](readings).probs[EMOTIONS.index(Emotion.HAPPY)]
    moved = contributions(readings, rule=rule, label=Emotion.HAPPY)
    assert sum(moved.values()) == pytest.approx(fused - 1 / 7)
    assert moved["face"] > 0 > moved["speech"]


def test_equal_readings_contribute_equally() -> None:
    readings = {modality: reading(modality, "fear", 0.8) for modality in Modality}
    moved = contributions(readings, rule="product", label=Emotion.FEAR)
    assert moved["face"] == pytest.approx(moved["speech"])
    assert moved["face"] > 0.4


def test_a_single_reading_has_the_whole_contribution() -> None:
    moved = contributions({Modality.SPEECH: reading(Modality.SPEECH, "fear", 0.8)}, rule="product", label=Emotion.FEAR)
    assert moved == {"speech": pytest.approx(0.8 - 1 / 7)}
