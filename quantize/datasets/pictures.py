"""Picture files of the corpora, as the appliance's replay reads them: grey, turned as their EXIF says."""

from __future__ import annotations

from pathlib import Path

from device.arrays import GreyArray
from device.capture.pictures import read_picture
from device.errors import MediaError
from quantize.datasets.common import UnreadableSignal


def read_face_picture(path: Path) -> GreyArray:
    """The whole picture, uint8 (height, width). Raises ``UnreadableSignal``."""
    try:
        return read_picture(path)
    except MediaError as error:
        raise UnreadableSignal(str(error)) from error
