"""The server's share of the nodes' messages, worked on for as long as the application runs. It has no address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fastapi import APIRouter, FastAPI

from desktop_server.shared_load import SharedLoad


def sharing_routes(load: SharedLoad) -> APIRouter:
    """No routes: what is counted is at ``/metrics``."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        with load:
            work = asyncio.create_task(load.work())
            yield
            work.cancel()
            with suppress(asyncio.CancelledError):
                await work

    return APIRouter(lifespan=lifespan)
