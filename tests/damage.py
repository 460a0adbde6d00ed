"""Damaged twins of small pictures, films and sounds: spoilt bytes, lost pieces, files that break off."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice, repeat
from pathlib import Path

import cv2
import media_twins
import numpy as np
import soundfile
from appliance import HAPPY_CLIP
from perception import astronaut

_HEAD_BYTES = 300
_LIKELY = (0x00, 0x01, 0x7F, 0x80, 0xFF)


def sources(folder: Path) -> list[Path]:
    """One small file of each kind."""
    folder.mkdir()
    film = [cv2.resize(p, (160, 120)) for p in media_twins.pictures_of(HAPPY_CLIP)[:10]]
    wave = media_twins.sound_of(HAPPY_CLIP)[20_000:36_000]
    for kind in ("mp4", "mkv", "flv"):
        media_twins.write_film(folder / f"a.{kind}", film, wave)
    for kind, codec in (("mp3", "libmp3lame"), ("aac", "aac"), ("m4a", "aac"), ("mka", "pcm_s16le")):
        media_twins.write_sound(folder / f"b.{kind}", codec, wave, media_twins.SOUND_HZ)
    for kind in ("wav", "flac", "ogg"):
        soundfile.write(folder / f"c.{kind}", wave, media_twins.SOUND_HZ)
    for kind in ("jpg", "png", "webp", "tif", "bmp", "pgm"):
        cv2.imwrite(str(folder / f"d.{kind}"), astronaut()[::4, ::4])
    media_twins.save_turned(folder / "e.tif", astronaut()[::4, ::4], "TIFF", 6)
    media_twins.save_turned(folder / "e.webp", astronaut()[::4, ::4], "WEBP", 6)
    (folder / "photo.heic").write_bytes(media_twins.heic(folder / "photo.heic").read_bytes()[:400])
    return sorted(folder.iterdir())


def damaged(whole: list[Path], folder: Path, count: int, seed: int) -> list[Path]:
    """So many files, of the sources in turn, each damaged in one way; the same for the same seed."""
    folder.mkdir()
    data = _damaged((source.read_bytes() for source in cycle(whole)), seed)
    return [_written(folder / f"{n}{whole[n % len(whole)].suffix}", next(data)) for n in range(count)]


def damaged_bytes(whole: bytes, count: int, seed: int) -> list[bytes]:
    """So many damaged twins of the same data, as of files."""
    return list(islice(_damaged(repeat(whole), seed), count))


_Way = Callable[[bytearray, np.random.Generator], bytearray]


def _damaged(whole: Iterable[bytes], seed: int) -> Iterator[bytes]:
    rng = np.random.default_rng(seed)
    ways = cycle((_spoilt_head, _spoilt, _spoilt, _without_a_piece, _cut_off))
    for data, way in zip(whole, ways, strict=False):
        yield bytes(way(bytearray(data), rng))


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def _spoilt_head(data: bytearray, rng: np.random.Generator) -> bytearray:
    return _with_spoilt(data, rng, min(_HEAD_BYTES, len(data)))


def _spoilt(data: bytearray, rng: np.random.Generator) -> bytearray:
    return _with_spoilt(data, rng, len(data))


def _with_spoilt(data: bytearray, rng: np.random.Generator, among: int) -> bytearray:
    for at in rng.integers(0, among, 2 ** int(rng.integers(0, 6))):
        data[at] = rng.choice(_LIKELY) if rng.random() < 0.7 else rng.integers(0, 256)
    return data


def _without_a_piece(data: bytearray, rng: np.random.Generator) -> bytearray:
    at = int(rng.integers(0, len(data)))
    del data[at : at + int(rng.integers(1, 200))]
    return data


def _cut_off(data: bytearray, rng: np.random.Generator) -> bytearray:
    return data[: int(rng.integers(1, len(data)))]
