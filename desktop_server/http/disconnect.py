"""Disconnects: the work on a request is cancelled with its connection."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import Request

from desktop_server.schema.problems import RequestError

_Result = TypeVar("_Result")


async def while_connected(request: Request, work: Coroutine[Any, Any, _Result]) -> _Result:
    """What ``work`` gives; it is cancelled once the connection is lost. The request's body must have been read.

    Raises ``RequestError`` for a lost connection, and while the server ends.
    """
    working, lost = asyncio.ensure_future(work), asyncio.ensure_future(_lost(request))
    try:
        await asyncio.wait([working, lost], return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise RequestError("client-gone", "the connection ended before the answer was there")
        return working.result()
    except asyncio.CancelledError as error:
        raise RequestError("busy", "the server ends; try again later", retry_after_s=1) from error
    finally:
        for task in (working, lost):
            task.cancel()
        await asyncio.gather(working, lost, return_exceptions=True)


async def _lost(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
