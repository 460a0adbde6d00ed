"""The words that corpora and people use for the seven emotions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from device.errors import AffectdError
from device.readings import EMOTIONS, Emotion

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


NONE = "none"
"""In a file of labels: a word whose samples are left out."""


def emotion_called(label: str, own: Mapping[str, str] | None = None) -> Emotion | None:
    """The emotion that a label means, ``None`` if it is one that is left out; ``own`` words come first.

    Raises ``KeyError`` for any other word.
    """
    if own and label in own:
        return None if own[label] == NONE else Emotion(own[label])
    word = re.sub(r"[\s_-]+", " ", label).strip().casefold()
    return None if word in LEFT_OUT else _EMOTIONS[word]


def read_labels(path: Path) -> dict[str, str]:
    """What somebody's own words mean, from a TOML file with a line ``word = "emotion"`` each.

    Raises ``AffectdError``.
    """
    try:
        words = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:  # ValueError: not UTF-8, or not TOML
        raise AffectdError(f'{path}: not a file of labels ({error}); it has lines like grumpy = "angry"') from error
    for word, emotion in words.items():
        if emotion not in (*map(str, EMOTIONS), NONE):
            raise AffectdError(f"{path}: {word} is {emotion!r}; give one of {', '.join(EMOTIONS)}, or {NONE}")
    return words
