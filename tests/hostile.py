"""Small files that take much: of memory, of the processor, or of patience. Each is made here, from a few bytes."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import media_twins
import numpy as np
from appliance import HAPPY_CLIP
from PIL import Image

SAMPLES = 50_000_000


def picture_of_many_scans(scans: int, side_px: int) -> bytes:
    """A progressive JPEG; the beginning of its last scan, which goes through all of it, comes so many times."""
    file = io.BytesIO()
    Image.new("L", (side_px, side_px), 128).save(file, "JPEG", progressive=True)
    data = file.getvalue()[:-2]
    last = data[data.rindex(b"\xff\xda") :][:100]
    return data + scans * last + b"\xff\xd9"


def picture_with_a_false_length() -> bytes:
    """A PNG of 63 bytes; a piece of it says to be 2 GiB long."""
    head = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    chunk = b"IHDR" + head
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + (struct.pack(">I", 0x7FFFFFFF) + b"IDAT" + bytes(22))
    )


def film_of_many_samples(folder: Path) -> bytes:
    """An MP4 whose table says that it has fifty million samples, all of one size."""
    path = folder / "many.mp4"
    media_twins.write_film(path, media_twins.pictures_of(HAPPY_CLIP)[:3], np.zeros(4_410, dtype=np.int16))
    data = bytearray(path.read_bytes())
    at = data.index(b"stsz") + 8  # behind its name, version and flags
    data[at : at + 8] = struct.pack(">II", 1, SAMPLES)
    return bytes(data)


def wave_that_ends_within_its_head() -> bytes:
    """A WAV of 60 bytes; a piece within it says to be longer than all of it."""
    return (
        b"RIFF"
        + struct.pack("<I", 52)
        + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 16000, 2, 16)
        + (b"LIST" + struct.pack("<I", 0x7FFFFFF0) + bytes(8) + b"data")
    )
