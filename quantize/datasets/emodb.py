"""EMO-DB: ten German actors say ten sentences in seven emotions, one of them boredom (Burkhardt et al., 2005)."""

from __future__ import annotations

import re

from device.readings import Emotion
from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles
from quantize.datasets.sound import SOUND_SUFFIXES, read_clip

FILES = NamedFiles(
    title="EMO-DB",
    source="'Berlin Database of Emotional Speech' (emodb.bilderbar.info, folder wav)",
    example="wav/03a01Fa.wav",
    pattern=re.compile(r"(?P<person>\d{2})[ab]\d{2}(?P<code>[A-Z])[a-z]?", re.IGNORECASE),
    codes={
        "W": Emotion.ANGRY,  # Wut
        "E": Emotion.DISGUST,  # Ekel
        "A": Emotion.FEAR,  # Angst
        "F": Emotion.HAPPY,  # Freude
        "N": Emotion.NEUTRAL,
        "T": Emotion.SAD,  # Trauer
        "L": None,  # Langeweile: boredom is none of the seven
    },
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=535,
    note="boredom is left out; it has no surprise",
)

EMODB = Dataset(name="emodb", kind="speech", terms="EMO-DB: for research use", load=FILES.load)
