"""File types of pictures by their first bytes. A name says nothing: JPEGs are called .jfif, or nothing at all."""

from __future__ import annotations

from pathlib import Path

HEAD_BYTES = 32
HEIF = "HEIC or AVIF"
EXPORT = (
    "export it as JPEG from the telephone or a picture program "
    "(an iPhone takes JPEGs with Settings, Camera, Formats, Most Compatible)"
)
"""What to do with a picture of a telephone's own kind."""

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\0\x0cjP  ", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    *((b"P%d" % number + blank, "PNM") for number in range(1, 7) for blank in (b" ", b"\n", b"\r", b"\t")),
)
_HEIF_BRANDS = frozenset(
    [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"mif2", b"msf1", b"avif", b"avis"]
)
_BMP_HEADS = frozenset([12, 40, 52, 56, 64, 108, 124])
"""Lengths of BMP's second head: "BM" alone begins a text, too."""


def picture_kind(head: bytes) -> str:
    """Of ``HEAD_BYTES``: the kind's usual name, ``HEIF`` for the one that is not read; empty for what is no picture."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS:
        return HEIF
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADS:
        return "BMP"
    return next((kind for beginning, kind in _BEGINNINGS if head.startswith(beginning)), "")


def kind_of_file(path: Path) -> str:
    """The same of a file. Raises ``OSError``."""
    with path.open("rb") as file:
        return picture_kind(file.read(HEAD_BYTES))
