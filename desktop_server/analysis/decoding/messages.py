"""Messages between the server and a decoder process: typed structs, and raw bytes behind some of them.

Nothing is pickled on the way back: what a malicious file makes of a decoder must not become code in the server.
"""

from __future__ import annotations

import os
import struct
from multiprocessing.connection import Connection
from typing import Generic, Literal, TypeVar

from msgspec import Struct
from msgspec.msgpack import Decoder, Encoder

from desktop_server.analysis.decoding.media import MediaLimits

TrackName = Literal["video", "audio"]


class PictureJob(Struct, frozen=True, tag="picture"):
    """Decode a picture. The file's bytes follow."""

    limits: MediaLimits


class RecordingJob(Struct, frozen=True, tag="recording"):
    """Open a recording or film, about ``rate_hz`` of its pictures a second. The file's bytes follow."""

    limits: MediaLimits
    rate_hz: float


class Next(Struct, frozen=True, tag="next"):
    """Send more of the recording that is open; ``from_start``: play that track anew."""

    track: TrackName
    from_start: bool


class Done(Struct, frozen=True, tag="done"):
    """Close the recording that is open."""


class Refused(Struct, frozen=True, tag="refused"):
    """A ``RequestError``. It ends a job."""

    code: str
    detail: str


class Sound(Struct, frozen=True, tag="sound"):
    """Some blocks of sound. Their samples follow, int16, one block after the other."""

    captured_ns: list[int]
    first_samples: list[int]
    lengths: list[int]


class Opened(Struct, frozen=True, tag="opened"):
    """What a recording holds. ``whole``: all of a short sound, with its samples behind; then nothing stays open."""

    has_video: bool
    has_audio: bool
    length_s: float
    whole: Sound | None = None


class Picture(Struct, frozen=True, tag="picture"):
    """A grey picture. Its pixels follow, uint8 row by row."""

    captured_ns: int
    height: int
    width: int


class End(Struct, frozen=True, tag="end"):
    """The track is at its end."""


DecoderRequest = PictureJob | RecordingJob | Next | Done
DecoderReply = Refused | Opened | Picture | Sound | End

Outgoing = TypeVar("Outgoing", DecoderRequest, DecoderReply)
Incoming = TypeVar("Incoming", DecoderRequest, DecoderReply)

_HEAD = struct.Struct(">Q")
_MAX_RETAINED_BYTES = 2**22
"""A larger payload file is truncated again."""


class MessageChannel(Generic[Outgoing, Incoming]):
    """One end of a channel. Receiving raises ``EOFError`` or ``OSError`` once the other end is gone.

    Raw bytes are in ``payload_file``, a file in memory that both ends have open: through a socket a picture takes half
    a millisecond more. The ends take turns: after receiving, an end sends.
    """

    def __init__(self, connection: Connection, payload_file: int, decoder: Decoder[Incoming]) -> None:
        self.connection = connection
        self._payload_file = payload_file
        self._encoder = Encoder()
        self._decoder: Decoder[Incoming] = decoder

    def send(self, message: Outgoing, payload: bytes | memoryview = b"") -> None:
        """A message, and the raw bytes that belong to it."""
        left = memoryview(payload)
        while left:
            left = left[os.pwrite(self._payload_file, left, len(payload) - len(left)) :]
        self.connection.send_bytes(_HEAD.pack(len(payload)) + self._encoder.encode(message))

    def receive(self) -> tuple[Incoming, bytes]:
        """The next message, and the raw bytes that belong to it."""
        sent = memoryview(self.connection.recv_bytes())
        (size,) = _HEAD.unpack_from(sent)
        payload = os.pread(self._payload_file, size, 0) if size else b""
        if size > _MAX_RETAINED_BYTES:
            os.ftruncate(self._payload_file, 0)
        return self._decoder.decode(sent[_HEAD.size :]), payload
