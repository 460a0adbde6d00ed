"""Facial expression: the front end that finds, tracks and crops a face, and the recogniser with it."""

from __future__ import annotations

from device.features.face import FEATURE_VERSION, FaceCrop, face_crop
from device.features.front_end import ModelInput
from device.models.card import verify_emotion_card
from device.models.detect import Face
from device.models.net import Net
from device.models.recogniser import EmotionRecogniser
from device.models.track import Detector, FaceTracker
from device.readings import Modality
from device.signals import Frame

_SAME_WITHIN = 0.045
"""Of 120 crops of a film 22 differ less from the one read last, and all of those have its label; so do six of six at
three tenths of the light and eight of nine at two tenths."""


def crop_of(frame: Frame, face: Face) -> FaceCrop | None:
    """A face as the net takes it; ``None`` if its points make none."""
    return face_crop(frame.grey, right_eye=face.right_eye, left_eye=face.left_eye, mouth=face.mouth)


class FaceFrontEnd:
    """The largest steady face of each frame, cropped. ``face`` is the one in the newest frame, ``None`` without."""

    def __init__(self, detector: Detector, close: Detector | None = None) -> None:
        """``close`` as in ``FaceTracker``."""
        self._tracker = FaceTracker(detector, close)
        self.face: Face | None = None

    def __call__(self, frame: Frame) -> ModelInput | None:
        """The face in this frame; ``None`` if there is none."""
        self.face = self._tracker(frame)
        crop = None if self.face is None else crop_of(frame, self.face)
        return None if crop is None else ModelInput(frame.captured_ns, crop.pixels, crop.quality)

    def follow_up(self) -> None:
        """Look who else is in the newest picture."""
        self._tracker.follow_up()

    def finish(self) -> ModelInput | None:
        """Nothing: a frame owes nothing to the next one."""
        return None


class FaceRecogniser(EmotionRecogniser[Frame]):
    """Recogniser of the largest steady face of each frame. Raises ``ModelError`` if the card is for something else."""

    def __init__(self, detector: Detector, net: Net, *, close: Detector | None = None) -> None:
        """``close`` as in ``FaceTracker``."""
        verify_emotion_card(net.card, kind="face", features=(FEATURE_VERSION,))
        super().__init__(Modality.FACE, FaceFrontEnd(detector, close), net, same_within=_SAME_WITHIN)
