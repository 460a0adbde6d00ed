"""The words that corpora and people use for the seven emotions."""

from __future__ import annotations

import re

from device.readings import Emotion

WORDS = {
    Emotion.ANGRY: ("angry", "anger", "ang", "mad"),
    Emotion.DISGUST: ("disgust", "disgusted", "dis"),
    Emotion.FEAR: ("fear", "fearful", "afraid", "scared", "fea"),
    Emotion.HAPPY: ("happy", "happiness", "joy", "joyful", "hap"),
    Emotion.NEUTRAL: ("neutral", "neutrality", "neu", "calm"),  # calm joins neutral, as in RAVDESS
    Emotion.SAD: ("sad", "sadness"),
    Emotion.SURPRISE: (
        *("surprise", "surprised", "sur", "ps"),  # ps: TESS's pleasant surprise
        *("pleasant surprise", "pleasant surprised"),
    ),
}
LEFT_OUT = frozenset(["contempt", "contemptuous"])
"""A known emotion that is none of the seven and that none of them stands for: its samples are counted and left out."""

_EMOTIONS = {word: emotion for emotion, words in WORDS.items() for word in words}


def emotion_called(label: str) -> Emotion | None:
    """The emotion that a label means, ``None`` if it is one that is left out.

    Raises ``KeyError`` for any other word.
    """
    word = re.sub(r"[\s_-]+", " ", label).strip().casefold()
    return None if word in LEFT_OUT else _EMOTIONS[word]
