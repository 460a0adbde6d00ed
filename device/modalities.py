"""The modalities: one row each, with what differs between the things that an emotion is read from.

``Modality`` has their names; ``device.wiring.sources`` has their sensors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from device.config.settings import Settings
from device.models.detect import FaceDetector, close_card
from device.models.face_emotion import FaceRecogniser
from device.models.net import NetLoader
from device.models.sets import ModelSet
from device.models.speech_emotion import SpeechRecogniser
from device.publish import topics
from device.publish.components import Sense
from device.readings import Modality
from device.stages import Recogniser


@dataclass(frozen=True, slots=True)
class ModalityRow:
    """One modality.

    ``part`` is its sensor, by the name that topics and settings have for it. ``fresh_s`` is how long a reading stands
    for the present. ``make_recogniser`` gives one that belongs to one thread, and raises ``ModelError`` for a set that
    has no usable model. ``sense`` are its entities in Home Assistant.
    """

    modality: Modality
    part: str
    fresh_s: Callable[[Settings], float]
    make_recogniser: Callable[[ModelSet, NetLoader], Recogniser[Any]]
    sense: Sense

    def is_in(self, mode: str) -> bool:
        """Whether ``node.mode`` reads it."""
        return mode in (self.modality, "both")


def face_recogniser(models: ModelSet, load_net: NetLoader) -> FaceRecogniser:
    """The face recogniser of a model set."""
    detector, close = (FaceDetector(load_net(c, models.folder)) for c in (models.detector, close_card(models.detector)))
    return FaceRecogniser(detector, load_net(models.card(Modality.FACE), models.folder), close=close)


def speech_recogniser(models: ModelSet, load_net: NetLoader) -> SpeechRecogniser:
    """The speech recogniser of a model set."""
    return SpeechRecogniser(load_net(models.card(Modality.SPEECH), models.folder))


def _face_fresh_s(settings: Settings) -> float:
    """Two and a half pictures at least."""
    return max(settings.fusion.face_fresh_s, 2.5 / settings.camera.rate_hz)


MODALITIES: tuple[ModalityRow, ...] = (
    ModalityRow(
        Modality.FACE,
        part="camera",
        fresh_s=_face_fresh_s,
        make_recogniser=face_recogniser,
        sense=Sense(Modality.FACE, "camera", topics.CAMERA, has_frame_rate=True),
    ),
    ModalityRow(
        Modality.SPEECH,
        part="microphone",
        fresh_s=lambda settings: settings.fusion.speech_fresh_s,
        make_recogniser=speech_recogniser,
        sense=Sense(Modality.SPEECH, "microphone", topics.MICROPHONE),
    ),
)
