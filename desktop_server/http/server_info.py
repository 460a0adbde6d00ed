"""``/v1/server``: what this server is, for pages and programs that offer what it can do."""

from __future__ import annotations

from fastapi import APIRouter

from desktop_server.http.deps import Deps
from desktop_server.http.openapi import problems
from desktop_server.schema.server import ServerInfo

router = APIRouter(prefix="/v1", tags=["emotion"])


@router.get("/server", summary="What is this server?", responses=problems(401, 403, 429))
async def server(deps: Deps) -> ServerInfo:
    """``fusion`` is the rule that is used where none is asked for."""
    return deps.info
