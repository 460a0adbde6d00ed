"""The session of one live stream: its queues, which drop the oldest, and the estimates that it sends."""

from __future__ import annotations

import asyncio
import struct
from collections import deque

import numpy as np
from fastapi import WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from desktop_server.analysis.cancellation import Cancellation
from desktop_server.analysis.live import LiveAnalysis, StreamUpdate
from desktop_server.http.deps import ServerDeps
from desktop_server.http.problems import problem_document
from desktop_server.schema import analysis as schema
from desktop_server.schema import serialize
from desktop_server.schema.problems import RequestError
from desktop_server.schema.stream import StreamConfig, StreamMessage

_HEAD = struct.Struct(">cQ")
_MAX_CONFIG_CHARS = 4096
_MAX_CHUNK_S = 2.0
_SOUND_CAPACITY = 64
_MAX_TIME_US = 10**15
"""Thirty years: a client's clock may start at 1970."""


class StreamSession:
    """The session of one client: its queues, and what was dropped."""

    def __init__(self, socket: WebSocket, deps: ServerDeps) -> None:
        self._socket, self._deps = socket, deps
        self._picture: tuple[int, bytes] | None = None
        self._sounds: deque[tuple[int, bytes]] = deque()
        self._received = asyncio.Event()
        self._dropped_pictures = self._dropped_sounds = 0
        self._box: tuple[schema.Box | None, schema.Size | None] = (None, None)

    async def run(self) -> None:
        """Until the client goes. Raises ``RequestError`` and ``WebSocketDisconnect``."""
        config = await self._config()
        live = self._open(config)
        await self._socket.send_text(self._ready(config).model_dump_json())
        working = asyncio.create_task(self._process(live, config))
        receiving = asyncio.create_task(self._receive(config))
        try:
            done, _ = await asyncio.wait({working, receiving}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            working.cancel()
            receiving.cancel()
            await asyncio.gather(working, receiving, return_exceptions=True)

    def _open(self, config: StreamConfig) -> LiveAnalysis:
        deps = self._deps
        variants = [deps.full, deps.int8] if config.compare else [deps.full]
        return LiveAnalysis(variants, deps.fusions, rule=config.fusion or deps.info.fusion, rate_hz=config.rate_hz)

    def _ready(self, config: StreamConfig) -> StreamMessage:
        parameters = self._deps.fusions.parameters
        return StreamMessage(
            type="ready",
            models=self._deps.full.info(config.mode),
            int8_models=self._deps.int8.info(config.mode) if config.compare else None,
            fusion=config.fusion or self._deps.info.fusion,
            uncertain_below=parameters.uncertain_below,
            smooth_s=parameters.smooth_s,
            hold_s=parameters.hold_s,
        )

    async def _config(self) -> StreamConfig:
        message = await self._message()
        if not isinstance(message, str):
            raise RequestError("malformed-request", "the first message must be text: what the stream is to be, as JSON")
        if len(message) > _MAX_CONFIG_CHARS:  # it is read in the event loop, and each wrong member is told of
            raise RequestError("too-large", f"the first message has more than {_MAX_CONFIG_CHARS} characters")
        try:
            return StreamConfig.model_validate_json(message)
        except ValidationError as error:
            problems = (f"{'.'.join(map(str, e['loc'])) or 'first message'}: {e['msg']}" for e in error.errors())
            raise RequestError("invalid-parameter", "; ".join(problems)) from error

    async def _message(self) -> str | bytes:
        try:
            async with asyncio.timeout(self._deps.stream_idle_s):
                message = await self._socket.receive()
        except TimeoutError as error:
            raise RequestError("slow-request", f"nothing came for {self._deps.stream_idle_s:g} s") from error
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        text, data = message.get("text"), message.get("bytes")
        return text if text is not None else bytes(data or b"")

    async def _receive(self, config: StreamConfig) -> None:
        while True:
            message = await self._message()
            if isinstance(message, str) or len(message) < _HEAD.size:
                raise RequestError("malformed-request", "after the first message all are binary, of 9 bytes or more")
            kind, time_us = _HEAD.unpack_from(message)
            if time_us > _MAX_TIME_US:
                raise RequestError("malformed-request", f"the time {time_us} µs is too late to be true")
            self._take(kind, time_us * 1000, message[_HEAD.size :], config)
            self._received.set()

    def _take(self, kind: bytes, captured_ns: int, payload: bytes, config: StreamConfig) -> None:
        if kind == b"P":
            self._dropped_pictures += self._picture is not None
            self._picture = captured_ns, payload
        elif kind == b"S":
            if len(payload) % 2 or len(payload) > 2 * _MAX_CHUNK_S * config.rate_hz:
                raise RequestError("malformed-request", "sound comes in whole int16 samples, 2 s at most a message")
            if len(self._sounds) == _SOUND_CAPACITY:
                self._sounds.popleft()
                self._dropped_sounds += 1
            self._sounds.append((captured_ns, payload))
        else:
            raise RequestError("malformed-request", f"a message begins with P or S, not with {kind!r}")

    async def _process(self, live: LiveAnalysis, config: StreamConfig) -> None:
        while True:
            await self._received.wait()
            self._received.clear()
            picture, self._picture = self._picture, None
            sounds, self._sounds = self._sounds, deque()
            try:
                updates = await self._analyze(live, config, picture, list(sounds))
            except RequestError as error:  # one bad picture does not end a stream
                await self._socket.send_json(problem_document(error.code, str(error)))
                continue
            for update in updates:
                await self._send(update, config)

    async def _analyze(
        self,
        live: LiveAnalysis,
        config: StreamConfig,
        picture: tuple[int, bytes] | None,
        sounds: list[tuple[int, bytes]],
    ) -> list[StreamUpdate]:
        cancellation = Cancellation()

        def work() -> list[StreamUpdate]:
            updates = []
            if config.mode != "face":
                updates += [
                    live.add_sound(captured_ns, np.frombuffer(data, dtype="<i2")) for captured_ns, data in sounds
                ]
            if picture is not None and config.mode != "speech":
                captured_ns, data = picture
                grey = self._deps.decoders.picture(data, cancellation.check)
                updates.append(live.add_picture(captured_ns, grey))
                face = updates[-1].face
                size = schema.Size(width_px=grey.shape[1], height_px=grey.shape[0])
                self._box = (None if face is None else serialize.box(face.box)), size
            return updates

        try:
            return await self._deps.workers.run(work, cancellation)
        except RequestError as error:
            if error.code != "busy":
                raise
            self._dropped_pictures += picture is not None
            self._dropped_sounds += len(sounds)
            return []

    async def _send(self, update: StreamUpdate, config: StreamConfig) -> None:
        if not update.estimates:
            return
        full, *others = [
            serialize.timeline_estimate(e, uncertain_below=self._deps.fusions.parameters.uncertain_below)
            for e in update.estimates
        ]
        box, size = self._box
        message = StreamMessage(
            estimate=full,
            int8=others[0] if config.compare and others else None,
            face=box,
            picture=size,
            problem=update.warning or None,
            dropped_pictures=self._dropped_pictures,
            dropped_sounds=self._dropped_sounds,
        )
        await self._socket.send_text(message.model_dump_json())
