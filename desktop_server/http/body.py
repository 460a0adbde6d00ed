"""The files of a request, in memory only, within a size and a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from desktop_server.errors import RequestError

FORM = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The most bytes of a body, and seconds that it may take to come."""

    bytes: int
    seconds: float


class _InMemoryParser(MultiPartParser):
    spool_max_size = sys.maxsize  # Starlette's own moves a file above 1 MB to the disk


async def read_files(request: Request, names: Collection[str], limits: BodyLimits) -> dict[str, bytes]:
    """The files of a form by their fields' names; or, where only one is asked, the body itself as that one.

    Raises ``RequestError`` for what is too large, too slow, not well formed, or a field that is not asked for.
    """
    if not request.headers.get("content-type", "").lower().startswith(FORM):
        if len(names) != 1:
            raise RequestError("malformed-request", f"send a form ({FORM}) with the fields {' and '.join(names)}")
        return {next(iter(names)): await read_body(request, limits)}
    return _files(await _form(request, limits), names)


async def read_body(request: Request, limits: BodyLimits) -> bytes:
    """All of the body. Raises ``RequestError``."""
    try:
        async with asyncio.timeout(limits.seconds):
            return b"".join([chunk async for chunk in _limited(request, limits)])
    except TimeoutError as error:
        raise _too_slow(limits) from error


async def _form(request: Request, limits: BodyLimits) -> list[tuple[str, str | UploadFile]]:
    parser = _InMemoryParser(request.headers, _limited(request, limits), max_files=8, max_fields=8)
    try:
        async with asyncio.timeout(limits.seconds):
            return (await parser.parse()).multi_items()
    except TimeoutError as error:
        raise _too_slow(limits) from error
    except (MultiPartException, UnicodeDecodeError) as error:
        raise RequestError("malformed-request", f"the form is not well formed: {error}") from error


def _files(fields: list[tuple[str, str | UploadFile]], names: Collection[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for name, value in fields:
        if name not in names:
            raise RequestError("unknown-field", f"the form has a field {name!r}; known are {', '.join(names)}")
        if not isinstance(value, UploadFile):
            raise RequestError("malformed-request", f"the field {name!r} is text; it must be a file")
        if name in files:
            raise RequestError("malformed-request", f"the field {name!r} is there twice; send one file")
        files[name] = value.file.read()
        value.file.close()
    return files


async def _limited(request: Request, limits: BodyLimits) -> AsyncGenerator[bytes, None]:
    told = request.headers.get("content-length", "0")
    if told.isdecimal() and int(told) > limits.bytes:
        raise _too_large(limits)
    came = 0
    try:
        async for chunk in request.stream():
            came += len(chunk)
            if came > limits.bytes:
                raise _too_large(limits)
            yield chunk
    except ClientDisconnect as error:
        raise RequestError("client-gone", "the connection ended within the request's body") from error


def _too_large(limits: BodyLimits) -> RequestError:
    return RequestError("too-large", f"the body is larger than {limits.bytes / 2**20:g} MiB; send less at once")


def _too_slow(limits: BodyLimits) -> RequestError:
    return RequestError("slow-request", f"the body took longer than {limits.seconds:g} s to come")
