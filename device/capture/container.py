"""Films and sound files of any container, through PyAV: what is in them, and their sound."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from device.capture.blocks import Block, BlockMaker
from device.capture.display import AS_STORED, orientation_of
from device.capture.memory import within_memory
from device.errors import MediaError
from device.readings import NS_PER_S

RATES_HZ = range(8_000, 384_001)
"""Below 8 kHz speech loses the band that the features look at; above, a header is more likely damaged than true."""
MAX_PIXELS = 9_000_000
"""Of a film's picture: 4K. A decoder keeps several of them."""
COVER_FORMATS = ("png", "mjpeg", "bmp", "gif")
HOLE_S = 0.1
"""Time stamps that jump by more are a hole in the sound; smaller ones are a container's rounding."""
OTHER_RATE_S = 1.0
"""Sound of another sample rate that lasts longer is no damage: the rate changes."""

_NOT_READ = "not a picture, film or sound that can be read; is it damaged or incomplete?"
_Timed = tuple[Any, Fraction | None]


@dataclass(frozen=True, slots=True)
class Contents:
    """Contents of a file. ``picture_start_ns`` is when its first picture is shown, ``None`` if it has no film."""

    picture_start_ns: int | None
    has_sound: bool
    length_ns: int


@dataclass(frozen=True, slots=True)
class Shape:
    """``orientation`` is EXIF's number, ``pixel_width`` a pixel's width by its height."""

    orientation: int
    pixel_width: float


def contents(path: Path) -> Contents:
    """Look through a file's packets, without decoding them. Raises ``MediaError`` if it is no film and no sound."""
    with opened(path) as container:
        if container.format.name.startswith("image2") or container.format.name.endswith("_pipe"):
            raise MediaError(f"{path}: {_NOT_READ}")  # by its name alone: pictures are known by their content
        film, sound = _film(container), _sound(container)
        ends_s = _ends_s(container, [stream for stream in (film, sound) if stream is not None])
        if film is not None:
            _check_size(path, film.codec_context)
        has_film, has_sound = (stream is not None and stream.index in ends_s for stream in (film, sound))
        if has_sound:
            _check_rate(path, sound.rate)
        start_ns = _start_ns(container, film) if has_film else None
    if not ends_s:
        raise MediaError(f"{path}: holds no picture and no sound; record or export it again")
    return Contents(start_ns, has_sound, round(max(ends_s.values()) * NS_PER_S))


def film_shape(path: Path) -> Shape:
    """How a film's pictures are to be shown, by its first one; as they are stored where it says nothing."""
    with opened(path) as container:
        film = _film(container)
        for packet in packets(container, [film]):
            for frame in decoded(packet):
                return Shape(_orientation(frame), float(film.sample_aspect_ratio or 1))
    return Shape(AS_STORED, 1.0)


def _orientation(frame: Any) -> int:
    matrices = [bytes(data) for data in frame.side_data if data.type.name == "DISPLAYMATRIX"]
    return orientation_of(matrices[0]) if matrices else AS_STORED


def sound_blocks(path: Path, block_ms: int) -> Iterator[Block]:
    """The first sound track from the file's start on, mono (see ``Downmix``), in blocks.

    Blocks are numbered by their time in the file: a late start or a hole is a jump, and what cannot be decoded is a
    hole. Raises ``MediaError`` if that is all of it, or if a sample is not a number.
    """
    maker, expected = None, 0
    for frame, start_s in _of_one_rate(path, _frames(path)):
        if maker is None:
            maker = BlockMaker(rate_hz=frame.sample_rate, block_ms=block_ms)
        first = _first_sample(start_s, frame.sample_rate, expected)
        samples = _samples(path, frame)
        expected = first + len(samples)
        yield from maker.push(first, samples)
    if maker is None:
        raise MediaError(f"{path}: none of its sound can be decoded; record or export it again")
    yield from maker.flush()


def _first_sample(start_s: Fraction | None, rate_hz: int, expected: int) -> int:
    first = expected if start_s is None else round(start_s * rate_hz)
    return first if first > expected + HOLE_S * rate_hz else expected


def _of_one_rate(path: Path, frames: Iterator[_Timed]) -> Iterator[_Timed]:
    """The frames of the first one's sample rate: a few of another, as a spoilt header makes them, are a hole."""
    rate_hz, others_s = 0, 0.0
    for frame, start_s in frames:
        rate_hz = rate_hz or frame.sample_rate
        if frame.sample_rate == rate_hz:
            others_s = 0.0
            yield frame, start_s
            continue
        others_s += frame.samples / frame.sample_rate
        if others_s > OTHER_RATE_S:
            raise MediaError(f"{path}: its sample rate changes on the way; export it with a single one")


def _frames(path: Path) -> Iterator[_Timed]:
    """Each decoded frame of the sound, and its time from the file's start if it says one."""
    with opened(path) as container:
        origin_s = _origin_s(container)
        for packet in packets(container, [_sound(container)]):
            for frame in decoded(packet):
                yield frame, None if frame.pts is None else frame.pts * frame.time_base - origin_s


@contextmanager
def opened(path: Path, *, formats: str = "") -> Iterator[Any]:
    """The container as PyAV has it, while this lasts. Raises ``MediaError`` for whatever keeps it from being read.

    ``formats`` are libav's own names for the only ones to be tried, with commas between.
    """
    av = _av(path)
    options = {"format_whitelist": formats} if formats else {}
    try:
        # Absolute, for libav takes what stands before a colon for a protocol.
        with within_memory(path):
            container = av.open(str(path.absolute()), options=options, **lenient(av.__version__))
        with container:
            yield container
    except av.FFmpegError as error:
        raise MediaError(f"{path}: {_NOT_READ}") from error


def packets(container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """The packets of these streams; of a file that breaks off in an error, those before it."""
    # PyAV raises the second one at the end of a file in which streams appeared on the way.
    with suppress(_av_error(), IndexError):
        yield from container.demux(list(streams)) if streams else ()


def decoded(packet: Any) -> list[Any]:
    """A packet's frames. Whatever a decoder makes of a damaged one, it is a hole and not the end."""
    try:
        return list(packet.decode())
    except _av_error():
        return []


def _samples(path: Path, frame: Any) -> NDArray[np.float64]:
    """A frame as (samples, channels), full scale ±1."""
    raw = frame.to_ndarray()
    if not np.isfinite(raw).all():
        raise MediaError(f"{path}: its sound has samples that are not numbers (NaN or infinite); export it again")
    samples = raw.T if frame.format.is_planar else raw.reshape(-1, len(frame.layout.channels))
    return np.asarray(np.clip((samples - _zero(raw.dtype)) / _full_scale(raw.dtype), -1, 1), dtype=np.float64)


def _zero(dtype: np.dtype[Any]) -> float:
    return 128.0 if dtype == np.uint8 else 0.0


def _full_scale(dtype: np.dtype[Any]) -> float:
    return 1.0 if dtype.kind == "f" else 2.0 ** (8 * dtype.itemsize - 1)


def playable(streams: Iterable[Any]) -> list[Any]:
    """Those of a kind that can be decoded."""
    return [stream for stream in streams if stream.codec_context is not None]


def _film(container: Any) -> Any:
    """The first picture track that is not the cover of a record."""
    is_gif = container.format.name == "gif"  # of which one picture is all, and looks like a cover
    films = playable(container.streams.video)
    return next((stream for stream in films if is_gif or not _is_cover(stream)), None)


def _is_cover(stream: Any) -> bool:
    # Debian 12's PyAV tells no dispositions. What sets a cover apart: a picture's format, and no rate.
    return stream.average_rate is None and stream.codec_context.name in COVER_FORMATS


def _sound(container: Any) -> Any:
    return next(iter(playable(container.streams.audio)), None)


def _ends_s(container: Any, streams: list[Any]) -> dict[int, Fraction]:
    """The end of each stream that has any data, by its index, in seconds from the container's start."""
    ends_s: dict[int, Fraction] = {}
    for packet in packets(container, streams):
        if packet.size:
            last_s = ends_s.get(packet.stream.index, Fraction(0))
            begin_s = last_s if packet.pts is None else packet.pts * packet.time_base - _origin_s(container)
            ends_s[packet.stream.index] = max(last_s, begin_s + _duration_s(packet))
    return ends_s


def _origin_s(container: Any) -> Fraction:
    """What the container calls time 0; libav counts it in microseconds."""
    return Fraction(container.start_time or 0, 1_000_000)


def _duration_s(packet: Any) -> Fraction:
    if packet.duration:
        return Fraction(packet.duration * packet.time_base)
    rate_hz = getattr(packet.stream, "average_rate", None)
    return 1 / Fraction(rate_hz) if rate_hz else Fraction(0)


def _start_ns(container: Any, film: Any) -> int:
    start_s = Fraction((film.start_time or 0) * film.time_base) - _origin_s(container)
    return max(0, round(start_s * NS_PER_S))


def _check_size(path: Path, codec: Any) -> None:
    if codec.width * codec.height > MAX_PIXELS:
        raise MediaError(
            f"{path}: its pictures have {codec.width} × {codec.height} pixels; export it with 3840 × 2160 or fewer"
        )


def _check_rate(path: Path, rate_hz: int) -> None:
    if rate_hz not in RATES_HZ:
        raise MediaError(
            f"{path}: its sound has {rate_hz} samples a second; export it with 16000 (8000 to 384000 can be read)"
        )


def lenient(version: str) -> dict[str, str]:
    """With these options PyAV of that version opens a file whose title is in no encoding that it knows.

    From 19 on it always does, and knows no such option any more.
    """
    return {} if int(version.partition(".")[0]) >= 19 else {"metadata_errors": "ignore"}


def _av_error() -> type[Exception]:
    error: type[Exception] = importlib.import_module("av").FFmpegError
    return error


def _av(path: Path) -> Any:
    try:
        av = importlib.import_module("av")
    except ImportError as error:
        raise MediaError(f"{path}: films and sound files need PyAV; install affectd[replay]") from error
    av.logging.set_level(av.logging.PANIC)  # Debian 12's tells the terminal what libav thinks of a file
    return av
