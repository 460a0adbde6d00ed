"""Benchmark of the stages: what each costs, one at a time on one core, in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from itertools import count, cycle
from statistics import median

import cv2
import numpy as np

from device.arrays import GreyArray, PcmArray
from device.bench.moving import FRAME_NS, moving_frames
from device.capture.raw_pictures import to_grey_from
from device.features.face import FaceCrop, face_crop
from device.features.frames import FrameStream, speech_frames
from device.features.hum import HumFilter
from device.features.mel import HOP_SAMPLES, WINDOW_SAMPLES
from device.features.speech import SPEECH_FEATURES, SpeechFeatures
from device.features.voice_activity import VoiceActivityDetector
from device.models.detect import Face, FaceDetector, close_card
from device.models.face_emotion import FaceRecogniser
from device.models.sets import ModelSet
from device.models.tflite import TfliteModel
from device.models.track import CLOSE_WIDTHS, view_around
from device.readings import Modality
from device.signals import SAMPLE_RATE_HZ, Frame

_RUNS = 200
CALLS = 10
_WARM_UP = 20
BLOCK_SAMPLES = 480
"""As a microphone gives them: 30 ms."""
CAMERA_QUALITY = 85
"""A webcam's JPEGs have about so much."""

Stages = Mapping[str, Callable[[], object]]


def make_stages(models: ModelSet, grey: GreyArray, samples: PcmArray) -> Stages:
    """Each stage by its name, as the appliance runs it, to be called again and again.

    ``grey``: a picture with a face, uint8 (height, width). ``samples``: speech, int16, mono, 16 kHz. Its two pictures
    of a camera have colours as detailed as their brightness.
    """
    samples = np.resize(samples, WINDOW_SAMPLES)
    detector = FaceDetector(TfliteModel(models.detector, models.folder))
    close = FaceDetector(TfliteModel(close_card(models.detector), models.folder))
    face_net, speech_net = (TfliteModel(card, models.folder) for card in models.models.values())
    face = detector(grey)[0]
    pixels = _crop(grey, face).pixels
    features = SPEECH_FEATURES[models.card(Modality.SPEECH).features]()
    window = features(speech_frames(samples))[..., np.newaxis]
    return {
        "a camera's JPEG to grey": _to_grey("MJPG", _jpeg(grey)),
        "a camera's YUYV to grey": _to_grey("YUYV", np.stack([grey, 255 - grey], axis=-1)),
        "find faces (BlazeFace)": lambda: detector(grey),
        "find a tracked face again": lambda: close(grey, view_around(face, CLOSE_WIDTHS)),
        "align and crop": lambda: _crop(grey, face),
        "face net": lambda: face_net(pixels),
        "a frame of a tracked face, whole": _tracked(FaceRecogniser(detector, face_net, close=close), grey),
        "a frame of an empty, still room": _empty(FaceRecogniser(detector, face_net, close=close), grey),
        "offset and hum out, 3 s of sound": _without_hum(samples),
        "voice gate, 1 s of sound": _gate(samples),
        "voice gate, 1 s of a quiet room": _gate(_quiet_room()),
        "speech features of a 0.75 s hop": _hop(samples, features),
        "speech features of 3 s, whole": lambda: features(speech_frames(samples)),
        "speech net": lambda: speech_net(window),
    }


def medians_ms(stages: Stages) -> dict[str, float]:
    """Milliseconds of a call of each stage: the median of means of ten, a second's frames."""
    return {name: _median_ms(stage) for name, stage in stages.items()}


def _jpeg(grey: GreyArray) -> GreyArray:
    colours = cv2.merge([grey, grey, 255 - grey])
    return np.asarray(cv2.imencode(".jpg", colours, [cv2.IMWRITE_JPEG_QUALITY, CAMERA_QUALITY])[1]).ravel()


def _to_grey(pixel_format: str, raw: GreyArray) -> Callable[[], object]:
    convert = to_grey_from(cv2.VideoWriter.fourcc(*pixel_format))
    assert convert is not None, "cameras have these formats"
    return lambda: convert(raw)


def _crop(grey: GreyArray, face: Face) -> FaceCrop:
    crop = face_crop(grey, right_eye=face.right_eye, left_eye=face.left_eye, mouth=face.mouth)
    assert crop is not None, "the benchmark's picture shows a face"
    return crop


def _tracked(recognise: FaceRecogniser, grey: GreyArray) -> Callable[[], object]:
    frames = moving_frames(grey)
    return lambda: recognise(next(frames))


def _empty(recognise: FaceRecogniser, grey: GreyArray) -> Callable[[], object]:
    frames = (Frame(number * FRAME_NS, np.full_like(grey, 128)) for number in count())
    return lambda: recognise(next(frames))


def _quiet_room() -> PcmArray:
    """Hiss at -60 dBFS."""
    return np.random.default_rng(0).normal(0.0, 32.8, WINDOW_SAMPLES).astype(np.int16)


def _without_hum(samples: PcmArray) -> Callable[[], object]:
    hear, blocks = HumFilter(), samples.reshape(-1, BLOCK_SAMPLES)
    return lambda: [hear(block) for block in blocks]


def _gate(samples: PcmArray) -> Callable[[], object]:
    gate, seconds = VoiceActivityDetector(), cycle(samples.reshape(-1, SAMPLE_RATE_HZ))
    return lambda: gate.push(next(seconds))


def _hop(samples: PcmArray, features: SpeechFeatures) -> Callable[[], object]:
    stream = FrameStream()
    stream.push(samples)
    stream.window()

    def hop() -> object:
        stream.push(samples[:HOP_SAMPLES])
        return features(stream.window())

    return hop


def _median_ms(stage: Callable[[], object]) -> float:
    for _ in range(_WARM_UP):
        stage()
    return median(_mean_ms(stage) for _ in range(_RUNS // CALLS))


def _mean_ms(stage: Callable[[], object]) -> float:
    start = time.perf_counter_ns()
    for _ in range(CALLS):
        stage()
    return (time.perf_counter_ns() - start) / 1e6 / CALLS
