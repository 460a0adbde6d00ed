"""The fleet over HTTP: once, or as it changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.sse import EventSourceResponse

from desktop_server.fleet.listener import FleetListener
from desktop_server.http.deps import Deps
from desktop_server.http.openapi import problems
from desktop_server.schema.fleet import FleetResponse
from device.publish.wall_clock import now_text

router = APIRouter(prefix="/v1/fleet", tags=["fleet"])


async def fleet_listener(deps: Deps) -> FleetListener | None:
    """The application's, if it has one."""
    return deps.fleet


Listener = Annotated[FleetListener | None, Depends(fleet_listener)]


@router.get("", summary="What is known of every node now", responses=problems(401, 403, 429))
async def seen(fleet: Listener) -> FleetResponse:
    """Nodes are known by what the broker carries; `broker` is null where this server listens to none."""
    return fleet.snapshot() if fleet else _no_fleet()


@router.get(
    "/events",
    summary="The same, now and whenever something is different",
    response_class=EventSourceResponse,
    responses=problems(401, 403, 429),
)
async def changes(fleet: Listener) -> AsyncIterator[FleetResponse]:
    """Server-sent events; the data of each is an answer as of `/v1/fleet`."""
    if fleet is None:
        yield _no_fleet()
        return
    async for response in fleet.changes():
        yield response


def _no_fleet() -> FleetResponse:
    return FleetResponse(ts=now_text(), broker=None, nodes=[])
