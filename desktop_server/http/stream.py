"""``/v1/stream``: live pictures and sound over a WebSocket; ``schema.stream`` has the protocol."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response, WebSocket
from starlette.websockets import WebSocketDisconnect

from desktop_server.http.access import client_of
from desktop_server.http.deps import Deps
from desktop_server.http.openapi import problems
from desktop_server.http.parameters import refuse_unknown
from desktop_server.http.problems import problem, problem_document
from desktop_server.http.stream_session import StreamSession
from desktop_server.schema.problems import RequestError
from desktop_server.schema.stream import SUBPROTOCOL, StreamConfig

_TRY_LATER, _POLICY = 1013, 1008
"""Close codes (RFC 6455 and IANA's registry): the server has no slot; anything else, whose remedy is the client's."""

_DESCRIBED: dict[str, Any] = {
    "response_class": Response,
    "status_code": 101,
    "responses": {
        101: {
            "description": "A `StreamConfig` goes first; `StreamMessage` and problem documents come as text.",
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/StreamMessage"}}},
        },
        **problems(401, 403, 426, 429),
    },
}

router = APIRouter(tags=["emotion"])


@router.get("/v1/stream", summary="Live pictures and sound (WebSocket)", **_DESCRIBED)
async def ask() -> Response:
    """Open it as a WebSocket, with the sub-protocol `affectd.stream.1`; the first message is a `StreamConfig`."""
    remedy = f"open it as a WebSocket, with the sub-protocol {SUBPROTOCOL}; /docs tells of its messages"
    return problem("upgrade-required", remedy, headers={"Upgrade": "websocket"})


@router.websocket("/v1/stream")
async def stream(socket: WebSocket, deps: Deps) -> None:
    """One session, if there is room for it."""
    try:
        refuse_unknown(socket, in_first_message=StreamConfig.model_fields)
    except RequestError as error:
        deps.metrics.count_refusal(error.code)
        await socket.send_denial_response(problem(error.code, str(error)))
        return
    await socket.accept(subprotocol=SUBPROTOCOL if SUBPROTOCOL in socket.scope["subprotocols"] else None)
    try:
        with deps.stream_slots.hold(client_of(socket.scope)):
            await StreamSession(socket, deps).run()
    except RequestError as error:
        deps.metrics.count_refusal(error.code)
        await _end(socket, error)
    except WebSocketDisconnect:
        pass  # the client has closed it


async def _end(socket: WebSocket, error: RequestError) -> None:
    try:
        await socket.send_json(problem_document(error.code, str(error)))
        await socket.close(_TRY_LATER if error.code == "busy" else _POLICY, reason=error.code)
    except (RuntimeError, WebSocketDisconnect):
        pass  # the client is gone
