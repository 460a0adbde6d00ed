"""Recordings: an uploaded sound or film as the appliance's sources."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from desktop_server.analysis.decoding.media import (
    MediaLimits,
    as_request_errors,
    check_size,
    memory_file,
    refuse_other_pictures,
    require_content,
)
from desktop_server.schema.problems import RequestError
from device.capture.blocks import BlockMaker
from device.capture.container import MAX_PIXELS, RATES_HZ, contents, opened, playable
from device.capture.kinds import HEAD_BYTES, picture_kind
from device.capture.replay import BLOCK_MS, ReplayAudio, ReplayVideo
from device.capture.scene import Clip, ScenePart
from device.capture.through import Through
from device.signals import SAMPLE_RATE_HZ, AudioBlock, Frame
from device.stages import Source

_SIGNATURES: tuple[tuple[int, bytes], ...] = (
    (8, b"WAVE"),
    (0, b"fLaC"),
    (0, b"OggS"),
    (0, b"ID3"),
    *((0, bytes([0xFF, second])) for second in (0xFB, 0xFA, 0xF3, 0xF2, 0xE3, 0xE2)),
    (0, b"\xff\xf1"),
    (0, b"\xff\xf9"),
    (0, b"\x1a\x45\xdf\xa3"),
    (4, b"ftyp"),
    (0, b"FLV"),
)
"""Where and how WAV, FLAC, Ogg, MP3 (MPEG 1, 2 and 2.5, with and without a checksum), ADTS, Matroska and WebM, MP4,
and FLV begin.

Each holds its own data. A playlist (HLS, concat, SDP) would have FFmpeg open other files of the server's, or addresses.
"""
_READERS = "wav,flac,ogg,mp3,aac,matroska,webm,mov,mp4,m4a,flv"
"""FFmpeg's own names for what reads them: a file that begins like one of these may yet look like a playlist to it."""
_KINDS = "WAV, FLAC, Ogg, MP3, AAC, WebM, MP4 or FLV"


@dataclass(frozen=True, slots=True)
class Tracks:
    """The video and audio track. Each may be played several times. The length is what the file's header has."""

    video: Source[Frame] | None
    audio: Source[AudioBlock] | None
    length_s: float = 0.0


@contextmanager
def open_recording(data: bytes, limits: MediaLimits, *, rate_hz: float) -> Iterator[Tracks]:
    """Its tracks, while this lasts; about ``rate_hz`` of a film's pictures a second.

    Raises ``RequestError`` for what is no sound or film, too long or too large, before it is decoded.
    """
    require_content(data)
    refuse_other_pictures(data)
    if kind := picture_kind(data[:HEAD_BYTES]):
        raise RequestError("unsupported-media", f"this is a {kind} picture; {_KINDS} are read here")
    if not any(data[at : at + len(mark)] == mark for at, mark in _SIGNATURES):
        raise RequestError("unsupported-media", f"this is no {_KINDS}; send one of these")
    if (blocks := wave_blocks(data, limits)) is not None:
        yield Tracks(None, _Blocks(blocks), sum(len(block.samples) for block in blocks) / SAMPLE_RATE_HZ)
        return
    with memory_file(data) as path:
        yield _tracks(path, limits, rate_hz)


def wave_blocks(data: bytes, limits: MediaLimits) -> list[AudioBlock] | None:
    """A plain 16-bit WAV as a replay of it gives it, in a tenth of the time; ``None`` for any other kind of file."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            wav, rate_hz = file.getparams(), file.getframerate()
            if wav.sampwidth != 2 or rate_hz not in RATES_HZ or wav.nframes * wav.nchannels * 2 > len(data):
                return None  # a length that cannot be true: it was not known when the head was written
            _check_length(wav.nframes / rate_hz, limits)
            samples = np.frombuffer(file.readframes(wav.nframes), dtype="<i2").reshape(-1, wav.nchannels)
    except (wave.Error, EOFError, ValueError, RuntimeError):  # the last is of a chunk that ends before it begins
        return None
    maker = BlockMaker(rate_hz=rate_hz, block_ms=BLOCK_MS)
    seconds = range(0, len(samples), rate_hz)  # as floats all of it would take four times as much
    blocks = [block for at in seconds for block in maker.push(at, samples[at : at + rate_hz] / 32768)]
    blocks += maker.flush()
    return [AudioBlock(round(b.first_sample * 1e9 / SAMPLE_RATE_HZ), b.first_sample, b.samples) for b in blocks]


class _Blocks:
    """Decoded sound as a source."""

    is_finite = True
    dropped = 0
    warning, blind = "", False

    def __init__(self, blocks: Sequence[AudioBlock]) -> None:
        self._blocks = blocks

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __iter__(self) -> Iterator[AudioBlock]:
        return iter(self._blocks)

    def close(self) -> None:
        """Nothing waits: it is all there."""


def _tracks(path: Path, limits: MediaLimits, rate_hz: float) -> Tracks:
    with as_request_errors("unreadable-recording"):
        _check_head(path, limits)
        clip = Clip(path, contents(path))
        _check_length(clip.holds.length_ns / 1e9, limits)  # a head may lie; packets are counted
    parts = [ScenePart(0, clip)]
    film = ReplayVideo(parts, loop_ns=None, clock=None, rate_hz=rate_hz)
    return Tracks(
        video=_SizeLimited(film, limits) if clip.has_picture else None,
        audio=ReplayAudio(parts, loop_ns=None, clock=None) if clip.has_sound else None,
        length_s=clip.holds.length_ns / 1e9,
    )


def _check_head(path: Path, limits: MediaLimits) -> None:
    """Check the file's header, which is cheap to read."""
    with opened(path, formats=_READERS) as container:
        _check_length((container.duration or 0) / 1e6, limits)
        for stream in playable(container.streams.video):
            _check_frame(stream.codec_context.width, stream.codec_context.height, limits)


class _SizeLimited(Through[Frame]):
    """A film whose every frame is within the size limit: it may begin small and go on large."""

    def __init__(self, film: Source[Frame], limits: MediaLimits) -> None:
        super().__init__(film)
        self._limits = limits

    def __iter__(self) -> Iterator[Frame]:
        for frame in super().__iter__():
            height, width = frame.grey.shape
            _check_frame(width, height, self._limits)
            yield frame


def _check_frame(width: int, height: int, limits: MediaLimits) -> None:
    check_size(width, height, min(limits.pixels, MAX_PIXELS))


def _check_length(seconds: float, limits: MediaLimits) -> None:
    if seconds > limits.seconds:
        raise RequestError("too-long", f"it has {seconds:.0f} s; at most {limits.seconds:g} are read")
