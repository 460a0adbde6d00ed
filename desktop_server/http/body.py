"""Request bodies: the files of a request, in memory only, within a size, a budget and a time."""

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

from desktop_server.http.parameters import query_names
from desktop_server.inference.batching import RETRY_AFTER_S
from desktop_server.schema.problems import RequestError

FORM = "multipart/form-data"
PAIRS = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """The most bytes of a body, and of all bodies that are here at once; seconds that one may pause.

    ``min_bytes_per_s``: what takes longer than that must come so fast, in each stretch of that length.
    """

    bytes: int
    pause_s: float
    min_bytes_per_s: float
    total_bytes: int


class BodyBudget:
    """The memory that all bodies together may take until their requests are answered. Used from the event loop only."""

    def __init__(self, limits: BodyLimits) -> None:
        self.limits = limits
        self._reserved_bytes = 0

    @contextmanager
    def reserve(self) -> Iterator[BodyReservation]:
        """A reservation for one request, released when this ends."""
        reservation = BodyReservation(self)
        try:
            yield reservation
        finally:
            self._reserved_bytes -= reservation.size

    def take(self, size: int) -> None:
        """Reserve so many bytes. Raises ``RequestError`` (``busy``) if the budget has fewer."""
        if self._reserved_bytes + size > self.limits.total_bytes:
            raise RequestError("busy", "too many bodies are being read; try again later", retry_after_s=RETRY_AFTER_S)
        self._reserved_bytes += size


class BodyReservation:
    """The part of the budget that one request has."""

    def __init__(self, budget: BodyBudget) -> None:
        self.limits = budget.limits
        self._budget = budget
        self.size = 0

    def take(self, size: int) -> None:
        """Reserve so many bytes more. Raises ``RequestError`` if all requests together have too many."""
        self._budget.take(size)
        self.size += size


class _InMemoryParser(MultiPartParser):
    spool_max_size = sys.maxsize  # Starlette's own moves a file above 1 MB to the disk


async def read_body_files(request: Request, names: Collection[str], reservation: BodyReservation) -> dict[str, bytes]:
    """The files of a form by their fields' names; or, where only one is asked, the body itself as that one.

    Raises ``RequestError`` for what is too large, too slow, not well formed, or a field that is not asked for.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == FORM:
        return _files(await _form(request, reservation), names, query_names(request.scope))
    if len(names) != 1:
        raise RequestError("malformed-request", f"send a form ({FORM}) with the fields {' and '.join(names)}")
    (name,) = names
    _refuse_text(kind, name)
    body = await read_body(request, reservation)
    if kind == PAIRS and body.isascii() and b"=" in body:  # `curl --data-binary` calls each file so
        raise _not_a_file(kind, name)
    return {name: body}


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file of a form, and the name that it was sent with."""

    name: str
    data: bytes


async def read_named_files(
    request: Request, field: str, reservation: BodyReservation, *, most_files: int
) -> list[NamedFile]:
    """The files of a form, all in one field, in their order. Raises ``RequestError``, also for none."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != FORM:
        raise RequestError("malformed-request", f"send a form ({FORM}) with a field {field!r} for each file")
    fields = await _form(request, reservation, most_files=most_files)
    sent = [_file(name, value, [field], query_names(request.scope)) for name, value in fields]
    files = [NamedFile(file.filename or "", _content(file)) for file in sent]
    if not files:
        raise RequestError("missing-media", f"the form has no file; send a field {field!r} for each")
    return files


async def read_body(request: Request, reservation: BodyReservation, *, most_bytes: int = sys.maxsize) -> bytes:
    """All of the body, which may be as large as the limits and ``most_bytes``. Raises ``RequestError``."""
    return b"".join(
        [chunk async for chunk in _limited(request, reservation, min(most_bytes, reservation.limits.bytes))]
    )


async def _form(
    request: Request, reservation: BodyReservation, *, most_files: int = 8
) -> list[tuple[str, str | UploadFile]]:
    chunks = _limited(request, reservation, reservation.limits.bytes)
    parser = _InMemoryParser(request.headers, chunks, max_files=most_files, max_fields=8)
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
        if name in files:
            raise RequestError("malformed-request", f"the field {name!r} is there twice; send one file")
        files[name] = _content(_file(name, value, names, parameters))
    return files


def _file(name: str, value: str | UploadFile, names: Collection[str], parameters: Collection[str]) -> UploadFile:
    """A field that is a file, and asked for. Raises ``RequestError`` for another."""
    if name not in names:
        asked = value[:80] if isinstance(value, str) else "…"
        hint = f"ask in the query: ?{name}={asked}" if name in parameters else f"known are {', '.join(names)}"
        raise RequestError("unknown-field", f"the form has a field {name!r}; {hint}")
    if not isinstance(value, UploadFile):
        raise RequestError("malformed-request", f"the field {name!r} is text; it must be a file")
    return value


def _content(file: UploadFile) -> bytes:
    with file.file as opened:
        return opened.read()


async def _limited(request: Request, reservation: BodyReservation, most_bytes: int) -> AsyncGenerator[bytes, None]:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length) > most_bytes:
        raise _too_large(most_bytes)
    rate = _MinRate(reservation.limits)
    try:
        async for chunk in _unstalled(request, reservation.limits):
            if reservation.size + len(chunk) > most_bytes:
                raise _too_large(most_bytes)
            reservation.take(len(chunk))
            rate.require(len(chunk))
            yield chunk
    except ClientDisconnect as error:
        raise RequestError("client-gone", "the connection ended within the request's body") from error


async def _unstalled(request: Request, limits: BodyLimits) -> AsyncGenerator[bytes, None]:
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


class _MinRate:
    """A least rate, asked anew in each window: what came fast at first may not trickle and keep its memory."""

    def __init__(self, limits: BodyLimits) -> None:
        self._limits = limits
        self._start_s, self._bytes = time.monotonic(), 0

    def require(self, size: int) -> None:
        """Count so many bytes more. Raises ``RequestError`` if a window had too few."""
        self._bytes += size
        now_s = time.monotonic()
        took_s = now_s - self._start_s
        if took_s <= self._limits.pause_s:
            return
        if self._bytes < self._limits.min_bytes_per_s * took_s:
            raise RequestError(
                "slow-request",
                f"the body comes with fewer than {self._limits.min_bytes_per_s / 1000:g} kB a second; send it smaller",
            )
        self._start_s, self._bytes = now_s, 0


def _too_large(most_bytes: int) -> RequestError:
    return RequestError("too-large", f"the body is larger than {most_bytes / 2**20:.3g} MiB; send less at once")
