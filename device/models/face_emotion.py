"""What a face shows: frame in, reading out."""

from __future__ import annotations

from device.features.face import FEATURE_VERSION, face_crop
from device.models.card import verify_emotion_card
from device.models.detect import FaceDetector
from device.models.probabilities import served
from device.models.tflite import TfliteModel
from device.models.track import FaceTracker
from device.readings import Modality, Reading
from device.signals import Frame


class FaceRecogniser:
    """Reads the largest steady face of each frame. It belongs to one thread, as its two models do.

    Raises ``ModelError`` at construction if a card is for something else.
    """

    def __init__(self, detector: FaceDetector, model: TfliteModel) -> None:
        verify_emotion_card(model.card, kind="face", features=(FEATURE_VERSION,))
        self._tracker = FaceTracker(detector)
        self._model = model

    def __call__(self, frame: Frame) -> Reading | None:
        """The reading of a frame; ``None`` if no face is in it."""
        face = self._tracker(frame)
        if face is None:
            return None
        crop = face_crop(frame.grey, right_eye=face.right_eye, left_eye=face.left_eye, mouth=face.mouth)
        if crop is None:
            return None
        (output,) = self._model(crop.pixels)
        return Reading(Modality.FACE, frame.captured_ns, served(self._model.card, output), crop.quality)

    def finish(self) -> Reading | None:
        """Nothing: a frame owes nothing to the next one."""
        return None
