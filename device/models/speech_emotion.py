"""Emotion in speech: the recogniser of a stream of sound."""

from __future__ import annotations

from device.features.speech import SPEECH_FEATURES
from device.features.speech_front_end import SpeechFrontEnd
from device.models.card import verify_emotion_card
from device.models.net import Net
from device.models.recogniser import EmotionRecogniser
from device.readings import Modality
from device.signals import AudioBlock


class SpeechRecogniser(EmotionRecogniser[AudioBlock]):
    """Recogniser of the voice while somebody speaks. Raises ``ModelError`` if the card is for something else."""

    def __init__(self, net: Net) -> None:
        verify_emotion_card(net.card, kind="speech", features=tuple(SPEECH_FEATURES))
        super().__init__(Modality.SPEECH, SpeechFrontEnd(net.card.features), net)
