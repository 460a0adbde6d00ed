"""What a face shows: frame in, reading out."""

from __future__ import annotations

from device.features.face import FEATURE_VERSION, FaceCrop, face_crop
from device.models.card import verify_emotion_card
from device.models.detect import Face, FaceDetector
from device.models.net import Net
from device.models.probabilities import served
from device.models.track import FaceTracker
from device.readings import Modality, Reading
from device.signals import Frame


def crop_of(frame: Frame, face: Face) -> FaceCrop | None:
    """A face as the net wants it; ``None`` if its points make none."""
    return face_crop(frame.grey, right_eye=face.right_eye, left_eye=face.left_eye, mouth=face.mouth)


def read_crop(model: Net, crop: FaceCrop, captured_ns: int) -> Reading:
    """What the net makes of a face."""
    (output,) = model(crop.pixels)
    return Reading(Modality.FACE, captured_ns, served(model.card, output), crop.quality)


class FaceRecogniser:
    """Reads the largest steady face of each frame. It belongs to one thread, as its two models do.

    Raises ``ModelError`` at construction if a card is for something else.
    """

    def __init__(self, detector: FaceDetector, model: Net) -> None:
        verify_emotion_card(model.card, kind="face", features=(FEATURE_VERSION,))
        self._tracker = FaceTracker(detector)
        self._model = model

    def __call__(self, frame: Frame) -> Reading | None:
        """The reading of a frame; ``None`` if no face is in it."""
        face = self._tracker(frame)
        if face is None:
            return None
        crop = crop_of(frame, face)
        return None if crop is None else read_crop(self._model, crop, frame.captured_ns)

    def finish(self) -> Reading | None:
        """Nothing: a frame owes nothing to the next one."""
        return None
