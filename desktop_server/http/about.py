"""``/v1/server``: what this server is, for pages and programs that want to offer what it can."""

from __future__ import annotations

from typing import get_args

from fastapi import APIRouter

from desktop_server import answer as parts
from desktop_server.http.describe import problems


class Bounds(parts.Part):
    """What a request may ask for."""

    body_mib: float
    picture_mpx: float
    media_s: float
    streams: int


class About(parts.Part):
    """Models, rules, limits."""

    version: str
    models: parts.Models
    int8: parts.Models
    fusion: parts.Rule
    fusions: tuple[parts.Rule, ...] = get_args(parts.Rule)
    modes: tuple[parts.Mode, ...] = get_args(parts.Mode)
    limits: Bounds
    gpu_problem: str | None = None
    """Why the float nets run on the processor although this installation is made for a GPU."""


def about_routes(about: About) -> APIRouter:
    """The address."""
    router = APIRouter(prefix="/v1", tags=["emotion"])

    @router.get("/server", summary="What is this server?", responses=problems(401, 403, 429))
    async def server() -> About:
        """``fusion`` is the rule that is used where none is asked for."""
        return about

    return router
