"""Raw problem documents: the bytes of an HTTP/1.1 response, for what is refused before the application sees it."""

from __future__ import annotations

from http import HTTPStatus

from desktop_server.http.page import HEADERS
from desktop_server.http.problems import problem


def raw_problem(code: str, detail: str) -> bytes:
    """The response of a connection that is closed after it."""
    answer = problem(code, detail, headers={**HEADERS, "Connection": "close"})
    head = b"".join(name + b": " + value + b"\r\n" for name, value in answer.raw_headers)
    line = f"HTTP/1.1 {answer.status_code} {HTTPStatus(answer.status_code).phrase}\r\n"
    return line.encode("ascii") + head + b"\r\n" + bytes(answer.body)
