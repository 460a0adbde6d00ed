"""JAFFE: ten Japanese women pose seven expressions, 213 pictures (Lyons et al., 1998)."""

from __future__ import annotations

import re

from device.readings import Emotion
from quantize.datasets.common import Dataset
from quantize.datasets.named_files import NamedFiles
from quantize.datasets.pictures import read_face_picture

FILES = NamedFiles(
    title="JAFFE",
    source="'The Japanese Female Facial Expression (JAFFE) Dataset' (Zenodo record 3451524)",
    example="KA.AN1.39.tiff",
    pattern=re.compile(r"(?P<person>[A-Z]{2})\.(?P<code>[A-Z]{2})\d\.\d+", re.IGNORECASE),
    codes={
        "AN": Emotion.ANGRY,
        "DI": Emotion.DISGUST,
        "FE": Emotion.FEAR,
        "HA": Emotion.HAPPY,
        "NE": Emotion.NEUTRAL,
        "SA": Emotion.SAD,
        "SU": Emotion.SURPRISE,
    },
    suffixes=(".tiff", ".tif", ".png", ".jpg"),
    read=read_face_picture,
    files=213,
    note="faces by the appliance's own detector and crop",
)

JAFFE = Dataset(name="jaffe", kind="face", terms="JAFFE: non-commercial research use only", load=FILES.load)
