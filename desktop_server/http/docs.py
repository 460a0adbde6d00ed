"""``/docs``: the OpenAPI document for people, without a script and without another host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse


def docs_routes() -> APIRouter:
    """The address."""
    router = APIRouter(include_in_schema=False)

    @router.get("/docs")
    async def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(page(request.app.openapi()))

    return router


def page(document: Mapping[str, Any]) -> str:
    """The document as a page of HTML."""
    title = escape(document["info"]["title"])
    sections = "".join(
        _section(method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width"><link rel="stylesheet" href="/style.css"></head>'
        f"<body><main><h1>{title} {escape(document['info']['version'])}</h1>"
        f"<p>{escape(document['info']['description'])}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. Live streams: WebSocket at <code>/v1/stream</code>.'
        f"</p>{sections}</main></body></html>"
    )


def _section(method: str, path: str, operation: Mapping[str, Any]) -> str:
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code> {escape(operation['summary'])}</h2>"
        f"<p>{escape(operation['description'])}</p>{_list('Takes', _taken(operation))}"
        f"{_list('Answers', _answers(operation))}</section>"
    )


def _list(heading: str, entries: Iterator[str]) -> str:
    items = "".join(f"<li>{entry}</li>" for entry in entries)
    return f"<h3>{heading}</h3><ul>{items}</ul>" if items else ""


def _taken(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        yield f"<code>{escape(parameter['name'])}</code> ({parameter['in']}) {escape(parameter.get('description', ''))}"
    for kind in operation.get("requestBody", {}).get("content", {}):
        yield f"a body of <code>{escape(kind)}</code>"


def _answers(operation: Mapping[str, Any]) -> Iterator[str]:
    for status, response in operation["responses"].items():
        yield f"<code>{escape(status)}</code> {escape(response['description'])}"
