"""Files that telephones, programs and bad luck make of the demo's clips: each is what its source is."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import soundfile
from appliance import HAPPY_CLIP, ROOT, SCENE
from numpy.typing import NDArray
from perception import astronaut
from PIL import Image

PORTRAIT = ROOT / "deploy" / "demo" / "astronaut.png"
ANGRY_CLIP = SCENE / "1001_DFA_ANG_XX.flv"
SOUND_HZ = 44_100

Bgr = NDArray[np.uint8]
Wave = NDArray[np.int16]


@dataclass(frozen=True)
class Twins:
    """Files by their names in one folder; ``films``, ``pictures`` and ``sounds`` are like the source of that kind."""

    folder: Path
    film: str
    films: Sequence[str]
    picture: str
    pictures: Sequence[str]
    sound: str
    sounds: Sequence[str]


def make(folder: Path) -> Twins:
    """All of them."""
    return Twins(
        folder,
        film="upright.mp4",
        films=list(_films(folder)),
        picture="portrait.png",
        pictures=list(_pictures(folder)),
        sound="voice.wav",
        sounds=list(_sounds(folder)),
    )


def _films(folder: Path) -> Iterator[str]:
    pictures, wave = pictures_of(HAPPY_CLIP), sound_of(HAPPY_CLIP)
    height, width = pictures[0].shape[:2]
    write_film(folder / "upright.mp4", pictures, wave)
    for degrees, stored in (
        (-90, cv2.ROTATE_90_COUNTERCLOCKWISE),
        (180, cv2.ROTATE_180),
        (90, cv2.ROTATE_90_CLOCKWISE),
    ):
        write_film(folder / f"turned{degrees}.mp4", [cv2.rotate(p, stored) for p in pictures], wave, turn=degrees)
        yield f"turned{degrees}.mp4"
    for name, size, pixel in (("narrow", (width // 2, height), (2, 1)), ("flat", (width, height // 2), (1, 2))):
        squeezed = [cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in pictures]
        write_film(folder / f"{name}.mp4", squeezed, wave, pixel=Fraction(*pixel))
        yield f"{name}.mp4"
    spoil_one_packet(folder / "upright.mp4", folder / "spoilt_packet.mp4")
    yield "spoilt_packet.mp4"


def _pictures(folder: Path) -> Iterator[str]:
    portrait = np.asarray(Image.open(PORTRAIT).convert("L"))
    Image.fromarray(portrait).save(folder / "portrait.png")
    kinds = [("jfif", "JPEG"), ("", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("tif", "TIFF")]
    for orientation in range(1, 9):
        for suffix, kind in kinds if orientation in (3, 6) else kinds[-1:]:
            name = f"{kind}{orientation}.{suffix}".rstrip(".")
            save_turned(folder / name, portrait, kind, orientation)
            yield name
    Image.fromarray(portrait).save(folder / "still.gif")
    cv2.imwrite(str(folder / "far.jpg"), in_a_large_picture(80, 1920, 1080))
    cv2.imwrite(str(folder / "very_far.jpg"), in_a_large_picture(80, 4000, 3000))
    yield from ("still.gif",)


def _sounds(folder: Path) -> Iterator[str]:
    wave = sound_of(ANGRY_CLIP)
    soundfile.write(folder / "voice.wav", wave, SOUND_HZ)
    soundfile.write(folder / "antiphase.wav", np.stack([wave, -wave], axis=1), SOUND_HZ)
    soundfile.write(folder / "12:30:00.wav", wave, SOUND_HZ)
    write_sound(folder / "spoilt_head.mp3", "libmp3lame", wave, SOUND_HZ)
    spoil_one_head(folder / "spoilt_head.mp3")
    yield from ("antiphase.wav", "12:30:00.wav", "spoilt_head.mp3")


@cache
def pictures_of(clip: Path) -> list[Bgr]:
    """A film's pictures."""
    with av.open(str(clip)) as film:
        return [frame.to_ndarray(format="bgr24") for frame in film.decode(video=0)]


@cache
def sound_of(clip: Path) -> Wave:
    """A film's sound, at ``SOUND_HZ``."""
    with av.open(str(clip)) as film:
        wave = np.concatenate([frame.to_ndarray()[0] for frame in film.decode(audio=0)])
    return np.asarray(np.clip(wave * 32_767, -32_768, 32_767), dtype=np.int16)


def write_film(
    path: Path, pictures: Sequence[Bgr], wave: Wave, *, turn: int = 0, pixel: Fraction = Fraction(1)
) -> None:
    """A film of 30 pictures a second; ``turn``: degrees counter-clockwise, by its display matrix."""
    with av.open(str(path), "w") as film:
        video, audio = film.add_stream("libx264", rate=30), film.add_stream("aac", rate=SOUND_HZ, layout="mono")
        video.height, video.width = pictures[0].shape[:2]
        video.pix_fmt, video.options = "yuv420p", {"crf": "18", "preset": "veryfast"}
        if pixel != 1:
            video.codec_context.sample_aspect_ratio = pixel
        if turn:
            video.set_display_rotation(turn)
        for picture in pictures:
            film.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        for packet in (*video.encode(None), *_sound_packets(audio, wave, SOUND_HZ)):
            film.mux(packet)


def write_sound(path: Path, codec: str, wave: Wave, rate_hz: int) -> None:
    """A sound file."""
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=rate_hz, layout="mono")
        stream.bit_rate = 4 * rate_hz
        for packet in _sound_packets(stream, wave, rate_hz):
            file.mux(packet)


def _sound_packets(stream: Any, wave: Wave, rate_hz: int) -> Iterator[Any]:
    frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    yield from stream.encode(frame)
    yield from stream.encode(None)


def places_of_sound(path: Path) -> list[tuple[int, int]]:
    """Where each packet of a sound begins in its file, and its bytes."""
    with av.open(str(path)) as file:
        return [(packet.pos, packet.size) for packet in file.demux(audio=0) if packet.size]


def sound_errors(path: Path) -> set[str]:
    """The names of what PyAV raises of a file's packets of sound."""
    names = set()
    with av.open(str(path)) as file:
        for packet in file.demux(audio=0):
            try:
                packet.decode()
            except av.FFmpegError as error:
                names.add(type(error).__name__)
    return names


def spoilt(path: Path) -> Iterator[bytes]:
    """The file with four bytes of one of its packets of sound spoilt, in many ways."""
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    places = places_of_sound(path)
    for _ in range(400):
        begin, size = places[int(rng.integers(5, len(places) - 5))]
        at = begin + int(rng.integers(0, size - 4))
        yield whole[:at] + rng.bytes(4) + whole[at + 4 :]


def spoil_one_packet(source: Path, path: Path) -> None:
    """A film of whose sound the decoder calls one packet "not permitted"."""
    for data in spoilt(source):
        path.write_bytes(data)
        if "PermissionError" in sound_errors(path):
            return
    raise AssertionError("400 spoilt packets, and the decoder only said that data are invalid")


def spoil_one_head(mp3: Path) -> None:
    """The head of one frame names 48000 samples a second instead of 44100."""
    data = bytearray(mp3.read_bytes())
    begin, _ = places_of_sound(mp3)[20]
    assert data[begin] == 0xFF
    data[begin + 2] ^= 0b0100
    mp3.write_bytes(data)


_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a camera does to the scene before it writes this orientation; Pillow turns counter-clockwise."""


def save_turned(path: Path, grey: NDArray[np.uint8], kind: str, orientation: int) -> None:
    """A picture that is ``grey`` when it is shown as its EXIF says."""
    stored = Image.fromarray(grey)
    if orientation in _STORED:
        stored = stored.transpose(_STORED[orientation])
    if kind == "TIFF":
        stored.save(path, kind, tiffinfo={0x0112: orientation})
        return
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(path, kind, exif=exif, **({"quality": 95} if kind != "PNG" else {}))


def heic(path: Path) -> Path:
    """The beginning of a picture as telephones write them."""
    path.write_bytes(struct.pack(">I4s4sI8s", 24, b"ftyp", b"heic", 0, b"mif1heic") + bytes(2_000))
    return path


def in_a_large_picture(face_px: int, width: int, height: int) -> NDArray[np.uint8]:
    """The astronaut, her face that wide, on grey a little right of the middle."""
    side = round(face_px * 360 / 98)
    scene = np.full((height, width), 127, dtype=np.uint8)
    left, top = width * 5 // 9, height * 4 // 9
    scene[top : top + side, left : left + side] = cv2.resize(astronaut(), (side, side), interpolation=cv2.INTER_AREA)
    return scene


GROUP = 12


def group_picture() -> NDArray[np.uint8]:
    """A large face at the left, and eleven of a quarter of its width beside it: 1400 × 850."""
    scene = np.full((850, 1400), 127, dtype=np.uint8)
    places = [(735, 0, 0), *((200, 760 + 205 * (n % 3), 8 + 210 * (n // 3)) for n in range(GROUP - 1))]
    for side, left, top in places:
        method = cv2.INTER_AREA if side < len(astronaut()) else cv2.INTER_CUBIC
        scene[top : top + side, left : left + side] = cv2.resize(astronaut(), (side, side), interpolation=method)
    return scene
