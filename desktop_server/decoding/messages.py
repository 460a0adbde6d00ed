"""What goes between the server and a process that decodes: typed messages, and raw bytes behind some of them.

Nothing is pickled on the way back: what a stranger's file makes of a decoder must not become code in the server.
"""

from __future__ import annotations

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


class Opened(Struct, frozen=True, tag="opened"):
    """What a recording holds."""

    has_video: bool
    has_audio: bool


class Picture(Struct, frozen=True, tag="picture"):
    """A grey picture. Its pixels follow, uint8 row by row."""

    captured_ns: int
    height: int
    width: int


class Sound(Struct, frozen=True, tag="sound"):
    """Some blocks of sound. Their samples follow, int16, one block after the other."""

    captured_ns: list[int]
    first_samples: list[int]
    lengths: list[int]


class End(Struct, frozen=True, tag="end"):
    """The track is at its end."""


Ask = PictureJob | RecordingJob | Next | Done
Reply = Refused | Opened | Picture | Sound | End

_WITH_BYTES = (PictureJob, RecordingJob, Picture, Sound)

Sent = TypeVar("Sent", Ask, Reply)
Received = TypeVar("Received", Ask, Reply)


class Wire(Generic[Sent, Received]):
    """One end of the connection. What is received raises ``EOFError`` or ``OSError`` once the other end is gone."""

    def __init__(self, connection: Connection, received: type[Received]) -> None:
        self.connection = connection
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Received] = msgspec.msgpack.Decoder(received)

    def send(self, message: Sent, payload: bytes | memoryview | None = None) -> None:
        """A message, and the raw bytes that belong to it."""
        self.connection.send_bytes(self._encoder.encode(message))
        if payload is not None:
            self.connection.send_bytes(payload)

    def receive(self) -> tuple[Received, bytes]:
        """The next message, and the raw bytes that belong to it."""
        message = self._decoder.decode(self.connection.recv_bytes())
        return message, self.connection.recv_bytes() if isinstance(message, _WITH_BYTES) else b""
