"""nEMO: nine Polish speakers act six emotions (Christop, 2024)."""

from __future__ import annotations

import re

from device.readings import Emotion
from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles
from quantize.datasets.sound import SOUND_SUFFIXES, read_clip

FILES = NamedFiles(
    title="nEMO",
    source="'nEMO' (github.com/amu-cai/nEMO, folder samples)",
    example="SK0_anger_1.wav",
    pattern=re.compile(r"(?P<person>[A-Z]{2}\d)_(?P<code>[a-z]+)_\d+", re.IGNORECASE),
    codes={
        "ANGER": Emotion.ANGRY,
        "FEAR": Emotion.FEAR,
        "HAPPINESS": Emotion.HAPPY,
        "NEUTRAL": Emotion.NEUTRAL,
        "SADNESS": Emotion.SAD,
        "SURPRISED": Emotion.SURPRISE,
    },
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=4481,
    note="it has no disgust",
)

NEMO = Dataset(name="nemo", kind="speech", terms="nEMO: CC BY-NC-SA 4.0, non-commercial use only", load=FILES.load)
