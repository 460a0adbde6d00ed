"""What goes between the server and a process that decodes: typed messages, and raw bytes behind some of them.

Nothing is pickled on the way back: what a stranger's file makes of a decoder must not become code in the server.
"""

from __future__ import annotations

import os
import struct
from multiprocessing.connection import Connection
from typing import Generic, Literal, TypeVar

import msgspec
from msgspec import Struct

from desktop_server.media import MediaLimits

TrackName = Literal["video", "audio"]


class PictureJob(Struct, frozen=True, tag="picture"):
    """Decode a picture. The file's bytes follow."""

    limits: MediaLimits


class RecordingJob(Struct, frozen=True, tag="recording"):
    """Open a recording or film, about ``rate_hz`` of its pictures a second. The file's bytes follow."""

    limits: MediaLimits
    rate_hz: float


class Next(Struct, frozen=True, tag="next"):
    """Give more of the recording that is open; ``from_start``: play that track anew."""

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
    whole: Sound | None = None


class Picture(Struct, frozen=True, tag="picture"):
    """A grey picture. Its pixels follow, uint8 row by row."""

    captured_ns: int
    height: int
    width: int


class End(Struct, frozen=True, tag="end"):
    """The track is at its end."""


Ask = PictureJob | RecordingJob | Next | Done
Reply = Refused | Opened | Picture | Sound | End

Sent = TypeVar("Sent", Ask, Reply)
Received = TypeVar("Received", Ask, Reply)

_HEAD = struct.Struct(">Q")
_KEPT_BYTES = 2**22
"""What was larger is not kept for the next to be written into."""


class Wire(Generic[Sent, Received]):
    """One end of the connection. What is received raises ``EOFError`` or ``OSError`` once the other end is gone.

    Raw bytes lie in ``shelf``, a file in memory that both ends have open: through a socket a picture takes half a
    millisecond more. Who has received a message sends the next one.
    """

    def __init__(self, connection: Connection, shelf: int, received: type[Received]) -> None:
        self.connection = connection
        self._shelf = shelf
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Received] = msgspec.msgpack.Decoder(received)

    def send(self, message: Sent, payload: bytes | memoryview = b"") -> None:
        """A message, and the raw bytes that belong to it."""
        left = memoryview(payload)
        while left:
            left = left[os.pwrite(self._shelf, left, len(payload) - len(left)) :]
        self.connection.send_bytes(_HEAD.pack(len(payload)) + self._encoder.encode(message))

    def receive(self) -> tuple[Received, bytes]:
        """The next message, and the raw bytes that belong to it."""
        sent = memoryview(self.connection.recv_bytes())
        (size,) = _HEAD.unpack_from(sent)
        payload = os.pread(self._shelf, size, 0) if size else b""
        if size > _KEPT_BYTES:
            os.ftruncate(self._shelf, 0)
        return self._decoder.decode(sent[_HEAD.size :]), payload
