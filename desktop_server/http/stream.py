"""``/v1/stream``: pictures and sound in over a WebSocket, estimates out as they are due.

Sub-protocol ``affectd.stream.1``. The client begins with a text message, ``Hello`` as JSON, and is told ``ready``.
Then it sends binary messages: one byte, ``P`` (a JPEG, PNG or WebP) or ``S`` (int16 little-endian mono samples at the
rate of its ``Hello``); eight bytes, the time of the capture in microseconds of the client's own clock, unsigned,
big-endian; the rest is the picture or the samples. The server answers with text messages: ``Told`` with an estimate,
or a problem document (its ``type`` begins with /problems). What comes faster than it is read is dropped, the oldest
first, and counted. Signals of one kind come in the order of their times.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from fastapi import APIRouter, Response, WebSocket
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import models_json_schema
from starlette.websockets import WebSocketDisconnect

from desktop_server import answer as parts
from desktop_server import compose
from desktop_server.cancellation import Cancellation
from desktop_server.errors import RequestError
from desktop_server.http.describe import problems
from desktop_server.http.office import Office
from desktop_server.http.parameters import refuse_unknown
from desktop_server.http.problems import document, problem
from desktop_server.live import Grey, Live, Said

PROTOCOL = "affectd.stream.1"
_HEAD = struct.Struct(">cQ")
_MOST_CHUNK_S = 2.0
_SOUND_CAPACITY = 64
_LATEST_US = 10**15
"""Thirty years: a client's clock may start at 1970."""
_TRY_LATER, _POLICY = 1013, 1008


class Hello(BaseModel):
    """The first message of a client of `/v1/stream`."""

    model_config = ConfigDict(extra="forbid")

    mode: parts.Mode = "both"
    fusion: parts.Rule | None = None
    rate_hz: int = Field(default=16_000, ge=8_000, le=192_000)
    compare: bool = False


class Told(BaseModel):
    """A message of `/v1/stream`: an estimate. ``face`` is where the face was seen that was read last, in its picture.

    ``problem`` is why the pictures are not believed and no face is read: they are frozen, or black.
    ``ready`` tells of models, rule and what a label is chosen by (as in ``Answer``).
    """

    type: Literal["ready", "estimate"] = "estimate"
    estimate: parts.Moment | None = None
    int8: parts.Moment | None = None
    face: parts.Box | None = None
    picture: parts.Size | None = None
    models: parts.Models | None = None
    int8_models: parts.Models | None = None
    fusion: parts.Rule | None = None
    problem: str | None = None
    uncertain_below: float | None = None
    smooth_s: float | None = None
    hold_s: float | None = None
    dropped_pictures: int = 0
    dropped_sounds: int = 0


_DESCRIBED: dict[str, Any] = {
    "response_class": Response,
    "status_code": 101,
    "responses": {
        101: {
            "description": "The stream: text messages `Told` come, and problem documents; `Hello` goes first.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Told"}}},
        },
        **problems(401, 403, 426, 429),
    },
}


def message_schemas(template: str = "#/components/schemas/{model}") -> dict[str, Any]:
    """JSON Schemas of a stream's text messages, with what they are made of, by name."""
    _, found = models_json_schema([(Hello, "validation"), (Told, "validation")], ref_template=template)
    return dict(found["$defs"])


@dataclass(frozen=True, slots=True)
class Theatre:
    """What streams are made of. ``open_live`` makes one; ``describe`` says which models answer, int8 second."""

    open_live: Callable[[Hello], Live]
    describe: Callable[[Hello], tuple[parts.Rule, parts.Models, parts.Models | None]]
    decode: Callable[[bytes, Callable[[], None]], Grey]
    office: Office
    uncertain_below: float
    smooth_s: float
    hold_s: float
    most: int
    idle_s: float


def stream_routes(theatre: Theatre) -> APIRouter:
    """The address."""
    router = APIRouter(tags=["emotion"])
    streams: set[_Stream] = set()

    @router.get("/v1/stream", summary="Live pictures and sound (WebSocket)", **_DESCRIBED)
    async def ask() -> Response:
        """Open it as a WebSocket, with the sub-protocol `affectd.stream.1`; the first message is a `Hello`."""
        remedy = f"open it as a WebSocket, with the sub-protocol {PROTOCOL}; /docs tells of its messages"
        return problem("upgrade-required", remedy, headers={"Upgrade": "websocket"})

    @router.websocket("/v1/stream")
    async def stream(socket: WebSocket) -> None:
        try:
            refuse_unknown(socket)
        except RequestError as error:
            await socket.send_denial_response(problem(error.code, f"{error} (a stream is told by its first message)"))
            return
        await socket.accept(subprotocol=PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
        if len(streams) >= theatre.most:
            await _refuse(socket, RequestError("busy", f"{theatre.most} streams are open"), _TRY_LATER)
            return
        one = _Stream(socket, theatre)
        streams.add(one)
        try:
            await one.run()
        except RequestError as error:
            await _refuse(socket, error, _POLICY)
        except WebSocketDisconnect:
            pass  # it has all that it wanted
        finally:
            streams.discard(one)

    return router


async def _refuse(socket: WebSocket, error: RequestError, code: int) -> None:
    try:
        await socket.send_json(document(error.code, str(error)))
        await socket.close(code)
    except (RuntimeError, WebSocketDisconnect):
        pass  # it has gone


class _Stream:
    """One client: what waits of it, and what was dropped."""

    def __init__(self, socket: WebSocket, theatre: Theatre) -> None:
        self._socket, self._theatre = socket, theatre
        self._picture: tuple[int, bytes] | None = None
        self._sounds: deque[tuple[int, bytes]] = deque()
        self._came = asyncio.Event()
        self._dropped_pictures = self._dropped_sounds = 0
        self._box: tuple[parts.Box | None, parts.Size | None] = (None, None)

    async def run(self) -> None:
        """Until the client goes. Raises ``RequestError`` and ``WebSocketDisconnect``."""
        hello = await self._hello()
        live = self._theatre.open_live(hello)
        rule, models, int8_models = self._theatre.describe(hello)
        ready = Told(
            type="ready",
            models=models,
            int8_models=int8_models,
            fusion=rule,
            uncertain_below=self._theatre.uncertain_below,
            smooth_s=self._theatre.smooth_s,
            hold_s=self._theatre.hold_s,
        )
        await self._socket.send_text(ready.model_dump_json())
        working = asyncio.create_task(self._work(live, hello))
        receiving = asyncio.create_task(self._receive(hello))
        try:
            done, _ = await asyncio.wait({working, receiving}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            working.cancel()
            receiving.cancel()
            await asyncio.gather(working, receiving, return_exceptions=True)

    async def _hello(self) -> Hello:
        message = await self._message()
        if not isinstance(message, str):
            raise RequestError("malformed-request", "the first message must be text: what the stream is to be, as JSON")
        try:
            return Hello.model_validate_json(message)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
            raise RequestError("invalid-parameter", said) from error

    async def _message(self) -> str | bytes:
        try:
            async with asyncio.timeout(self._theatre.idle_s):
                message = await self._socket.receive()
        except TimeoutError as error:
            raise RequestError("slow-request", f"nothing came for {self._theatre.idle_s:g} s") from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        text, data = message.get("text"), message.get("bytes")
        return text if text is not None else bytes(data or b"")

    async def _receive(self, hello: Hello) -> None:
        while True:
            message = await self._message()
            if isinstance(message, str) or len(message) < _HEAD.size:
                raise RequestError("malformed-request", "after the first message all are binary, of 9 bytes or more")
            kind, time_us = _HEAD.unpack_from(message)
            if time_us > _LATEST_US:
                raise RequestError("malformed-request", f"the time {time_us} µs is too late to be true")
            self._take(kind, time_us * 1000, message[_HEAD.size :], hello)
            self._came.set()

    def _take(self, kind: bytes, captured_ns: int, payload: bytes, hello: Hello) -> None:
        if kind == b"P":
            self._dropped_pictures += self._picture is not None
            self._picture = captured_ns, payload
        elif kind == b"S":
            if len(payload) % 2 or len(payload) > 2 * _MOST_CHUNK_S * hello.rate_hz:
                raise RequestError("malformed-request", "sound comes in whole int16 samples, 2 s at most a message")
            if len(self._sounds) == _SOUND_CAPACITY:
                self._sounds.popleft()
                self._dropped_sounds += 1
            self._sounds.append((captured_ns, payload))
        else:
            raise RequestError("malformed-request", f"a message begins with P or S, not with {kind!r}")

    async def _work(self, live: Live, hello: Hello) -> None:
        while True:
            await self._came.wait()
            self._came.clear()
            picture, self._picture = self._picture, None
            sounds, self._sounds = self._sounds, deque()
            try:
                said = await self._done(live, hello, picture, list(sounds))
            except RequestError as error:  # one bad picture does not end a stream
                await self._socket.send_json(document(error.code, str(error)))
                continue
            for one in said:
                await self._tell(one, hello)

    async def _done(
        self, live: Live, hello: Hello, picture: tuple[int, bytes] | None, sounds: list[tuple[int, bytes]]
    ) -> list[Said]:
        cancellation = Cancellation()

        def work() -> list[Said]:
            said = []
            if hello.mode != "face":
                said += [live.hear(captured_ns, np.frombuffer(data, dtype="<i2")) for captured_ns, data in sounds]
            if picture is not None and hello.mode != "speech":
                captured_ns, data = picture
                grey = self._theatre.decode(data, cancellation.check)
                said.append(live.see(captured_ns, grey))
                face = said[-1].face
                size = parts.Size(width_px=grey.shape[1], height_px=grey.shape[0])
                self._box = (None if face is None else compose.box(face.box)), size
            return said

        try:
            return await self._theatre.office.do(work, cancellation)
        except RequestError as error:
            if error.code != "busy":
                raise
            self._dropped_pictures += picture is not None
            self._dropped_sounds += len(sounds)
            return []

    async def _tell(self, said: Said, hello: Hello) -> None:
        if not said.estimates:
            return
        full, *others = [compose.moment(e, uncertain_below=self._theatre.uncertain_below) for e in said.estimates]
        box, size = self._box
        told = Told(
            estimate=full,
            int8=others[0] if hello.compare and others else None,
            face=box,
            picture=size,
            problem=said.problem or None,
            dropped_pictures=self._dropped_pictures,
            dropped_sounds=self._dropped_sounds,
        )
        await self._socket.send_text(told.model_dump_json())
