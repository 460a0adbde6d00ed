"""TESS: two actresses say 200 words each in seven emotions (Pichora-Fuller & Dupuis, 2020)."""

from __future__ import annotations

import re

from device.readings import Emotion
from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles
from quantize.datasets.sound import SOUND_SUFFIXES, read_clip

FILES = NamedFiles(
    title="TESS",
    source="'Toronto emotional speech set (TESS)' (doi 10.5683/SP2/E8H2MF)",
    example="OAF_back_angry.wav",
    pattern=re.compile(r"(?P<person>OA|YA)F?_.+_(?P<code>[a-z]+)", re.IGNORECASE),  # the authors' own OA_bite_neutral
    codes={
        "ANGRY": Emotion.ANGRY,
        "DISGUST": Emotion.DISGUST,
        "FEAR": Emotion.FEAR,
        "HAPPY": Emotion.HAPPY,
        "NEUTRAL": Emotion.NEUTRAL,
        "PS": Emotion.SURPRISE,
        "SAD": Emotion.SAD,
    },
    suffixes=SOUND_SUFFIXES,
    read=read_clip,
    files=2800,
    note="pleasant surprise is surprise",
)

TESS = Dataset(name="tess", kind="speech", terms="TESS: CC BY-NC-ND 4.0, non-commercial use only", load=FILES.load)
