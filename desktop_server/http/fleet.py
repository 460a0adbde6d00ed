"""The fleet over HTTP: once, or as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI
from fastapi.sse import EventSourceResponse

from desktop_server.fleet import Fleet
from desktop_server.fleet_answer import FleetAnswer
from desktop_server.http.describe import problems
from device.publish.wall_clock import now_text


def fleet_routes(fleet: Fleet | None) -> APIRouter:
    """The addresses. The fleet, if there is one, is listened to for as long as the application runs."""
    router = APIRouter(prefix="/v1/fleet", tags=["fleet"], lifespan=_listening_to(fleet))

    @router.get("", summary="What is known of every node now", responses=problems(401, 403, 429))
    async def seen() -> FleetAnswer:
        """Nodes are known by what the broker carries; `broker` is null where this server listens to none."""
        return fleet.seen() if fleet else _none()

    @router.get(
        "/events",
        summary="The same, now and whenever something is different",
        response_class=EventSourceResponse,
        responses=problems(401, 403, 429),
    )
    async def changes() -> AsyncIterator[FleetAnswer]:
        """Server-sent events; the data of each is an answer as of `/v1/fleet`."""
        async for answer in fleet.changes() if fleet else _once(_none()):
            yield answer

    return router


def _listening_to(fleet: Fleet | None) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if fleet is None:
            yield
            return
        with fleet:
            listening = asyncio.create_task(fleet.listen())
            yield
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    return lifespan


def _none() -> FleetAnswer:
    return FleetAnswer(ts=now_text(), broker=None, nodes=[])


async def _once(answer: FleetAnswer) -> AsyncIterator[FleetAnswer]:
    yield answer
