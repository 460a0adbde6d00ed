"""Background tasks: what runs beside the requests for as long as the application does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import ExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Protocol


class Background(Protocol):
    """A context manager whose ``run`` is a task while it is open."""

    def __enter__(self) -> Any:
        """Open it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""

    async def run(self) -> None:
        """Work until cancelled."""


@asynccontextmanager
async def background_tasks(services: Iterable[Background]) -> AsyncIterator[None]:
    """Open all, run each as a task meanwhile; at the end cancel the tasks, then close."""
    with ExitStack() as opened:
        for service in services:
            opened.enter_context(service)
        tasks = [asyncio.create_task(service.run()) for service in services]
        yield
        for task in tasks:
            task.cancel()
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended
