"""CREMA-D: 91 actors say twelve sentences in six emotions (Cao et al., 2014), from sound files or films."""

from __future__ import annotations

import re

from device.readings import Emotion
from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles
from quantize.datasets.sound import CONTAINER_SUFFIXES, SOUND_SUFFIXES, read_clip

FILES = NamedFiles(
    title="CREMA-D",
    source="AudioWAV (or VideoFlash) of 'CREMA-D' (github.com/CheyneyComputerScience/CREMA-D, a clone with git lfs)",
    example="AudioWAV/1001_DFA_ANG_XX.wav",
    pattern=re.compile(r"(?P<person>1\d{3})_[A-Z]{3}_(?P<code>[A-Z]{3})_[A-Z]{1,2}", re.IGNORECASE),
    codes={
        "ANG": Emotion.ANGRY,
        "DIS": Emotion.DISGUST,
        "FEA": Emotion.FEAR,
        "HAP": Emotion.HAPPY,
        "NEU": Emotion.NEUTRAL,
        "SAD": Emotion.SAD,
    },
    suffixes=(*SOUND_SUFFIXES, *CONTAINER_SUFFIXES),
    read=read_clip,
    files=7442,
    note="labels are what the actors meant; it has no surprise",
)

CREMA_D = Dataset(
    name="crema_d", kind="speech", terms="CREMA-D: ODbL 1.0 and DbCL 1.0, with attribution", load=FILES.load
)
