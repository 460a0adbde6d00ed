"""The files of a request, in memory only, within a size and a time."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from desktop_server.errors import RequestError
from desktop_server.http.parameters import query_names

FORM = "multipart/form-data"
PAIRS = "application/x-www-form-urlencoded"
RETRY_AFTER_S = 1.0


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The most bytes of a body, and of all bodies that are here at once; seconds that one may pause.

    ``bytes_s``: what takes longer than that must come so fast, all in all.
    """

    bytes: int
    pause_s: float
    bytes_s: float
    together_bytes: int


class Cloakroom:
    """Where bodies are kept until their requests are answered: it has an end. Used from the event loop only."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self._kept = 0

    @contextmanager
    def shelf(self) -> Iterator[Shelf]:
        """Room for one request, until this ends."""
        shelf = Shelf(self)
        try:
            yield shelf
        finally:
            self._kept -= shelf.kept

    def take(self, size: int) -> None:
        """Raises ``RequestError`` (``busy``) if there is no room for so many bytes more."""
        if self._kept + size > self.limits.together_bytes:
            raise RequestError("busy", "too many bodies are being read; try again later", retry_after_s=RETRY_AFTER_S)
        self._kept += size


class Shelf:
    """What one request keeps."""

    def __init__(self, room: Cloakroom) -> None:
        self.limits = room.limits
        self._room = room
        self.kept = 0

    def take(self, size: int) -> None:
        """Keep so many bytes more. Raises ``RequestError`` if all requests have too many."""
        self._room.take(size)
        self.kept += size


class _InMemoryParser(MultiPartParser):
    spool_max_size = sys.maxsize  # Starlette's own moves a file above 1 MB to the disk


async def read_files(request: Request, names: Collection[str], shelf: Shelf) -> dict[str, bytes]:
    """The files of a form by their fields' names; or, where only one is asked, the body itself as that one.

    Raises ``RequestError`` for what is too large, too slow, not well formed, or a field that is not asked for.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        return _files(await _form(request, shelf), names, query_names(request.scope))
    if len(names) != 1:
        raise RequestError("malformed-request", f"send a form ({FORM}) with the fields {' and '.join(names)}")
    (name,) = names
    _refuse_text(kind, name)
    body = await read_body(request, shelf)
    if kind == PAIRS and body.isascii() and b"=" in body:  # `curl --data-binary` calls each file so
        raise _not_a_file(kind, name)
    return {name: body}


async def read_body(request: Request, shelf: Shelf, *, most_bytes: int = sys.maxsize) -> bytes:
    """All of the body, which may be as large as the limits and ``most_bytes``. Raises ``RequestError``."""
    return b"".join([chunk async for chunk in _limited(request, shelf, min(most_bytes, shelf.limits.bytes))])


async def _form(request: Request, shelf: Shelf) -> list[tuple[str, str | UploadFile]]:
    chunks = _limited(request, shelf, shelf.limits.bytes)
    parser = _InMemoryParser(request.headers, chunks, max_files=8, max_fields=8)
    try:
        return (await parser.parse()).multi_items()
    except (MultiPartException, UnicodeError) as error:
        raise RequestError("malformed-request", f"the form is not well formed: {error}") from error


def _refuse_text(kind: str, name: str) -> None:
    if kind.startswith("text/") or kind == "application/json":
        raise _not_a_file(kind, name)


def _not_a_file(kind: str, name: str) -> RequestError:
    return RequestError(
        "unsupported-media",
        f"the body comes as {kind}; send the file itself, or a form ({FORM}) with it as the field {name!r}",
    )


def _files(
    fields: list[tuple[str, str | UploadFile]], names: Collection[str], parameters: Collection[str]
) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, value in fields:
        if name not in names:
            hint = f"ask in the query: ?{name}={value}" if name in parameters else f"known are {', '.join(names)}"
            raise RequestError("unknown-field", f"the form has a field {name!r}; {hint}")
        if not isinstance(value, UploadFile):
            raise RequestError("malformed-request", f"the field {name!r} is text; it must be a file")
        if name in files:
            raise RequestError("malformed-request", f"the field {name!r} is there twice; send one file")
        files[name] = value.file.read()
        value.file.close()
    return files


async def _limited(request: Request, shelf: Shelf, most_bytes: int) -> AsyncGenerator[bytes, None]:
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > most_bytes:
        raise _too_large(most_bytes)
    start_s = time.monotonic()
    try:
        async for chunk in _moving(request, shelf.limits):
            if shelf.kept + len(chunk) > most_bytes:
                raise _too_large(most_bytes)
            shelf.take(len(chunk))
            _require_rate(shelf, time.monotonic() - start_s)
            yield chunk
    except ClientDisconnect as error:
        raise RequestError("client-gone", "the connection ended within the request's body") from error


async def _moving(request: Request, limits: BodyLimits) -> AsyncGenerator[bytes, None]:
    chunks = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(limits.pause_s):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise RequestError("slow-request", f"nothing of the body came for {limits.pause_s:g} s") from error
        yield chunk


def _require_rate(shelf: Shelf, took_s: float) -> None:
    limits = shelf.limits
    if took_s > limits.pause_s and shelf.kept < limits.bytes_s * took_s:
        raise RequestError(
            "slow-request", f"the body comes with fewer than {limits.bytes_s / 1000:g} kB a second; send it smaller"
        )


def _too_large(most_bytes: int) -> RequestError:
    return RequestError("too-large", f"the body is larger than {most_bytes / 2**20:.3g} MiB; send less at once")
