"""KDEF: 70 people pose seven expressions twice (Lundqvist et al., 1998), as seen from the front."""

from __future__ import annotations

import re

from device.readings import Emotion
from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles
from quantize.datasets.pictures import read_face_picture

FILES = NamedFiles(
    title="KDEF, seen from the front",
    source="'KDEF_and_AKDEF.zip' (kdef.se)",
    example="KDEF/AF01/AF01ANS.JPG",
    pattern=re.compile(r"[AB](?P<person>[FM]\d{2})(?P<code>[A-Z]{2})S", re.IGNORECASE),  # S: straight
    codes={
        "AF": Emotion.FEAR,  # afraid
        "AN": Emotion.ANGRY,
        "DI": Emotion.DISGUST,
        "HA": Emotion.HAPPY,
        "NE": Emotion.NEUTRAL,
        "SA": Emotion.SAD,
        "SU": Emotion.SURPRISE,
    },
    suffixes=(".jpg", ".jpeg", ".png"),
    read=read_face_picture,
    files=980,
    note="the view from the front (S); faces by the appliance's own detector and crop",
)

KDEF = Dataset(name="kdef", kind="face", terms="KDEF: non-commercial research use only", load=FILES.load)
