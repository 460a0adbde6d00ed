"""``/docs``: the OpenAPI document for people, without a script and without another host."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse
from markdown_it import MarkdownIt

from desktop_server.http.content_negotiation import CSV
from desktop_server.http.request_examples import BASE

_Json = Mapping[str, Any]

_MARKDOWN = MarkdownIt("js-default")
"""With tables and without HTML: what looks like markup in a text becomes text."""
_FILES = {"picture": "face.jpg", "audio": "voice.wav", "video": "film.mp4"}
_STREAM_EXAMPLE = '{"mode": "both", "fusion": "product", "rate_hz": 48000, "compare": false}'


router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The page."""
    return HTMLResponse(page(request.app.openapi()))


def page(document: _Json) -> str:
    """The document as a page of HTML."""
    document = _with_values(document)
    title = escape(document["info"]["title"])
    operations = [(path, method, own) for path, all_ in document["paths"].items() for method, own in all_.items()]
    sections = "".join(_section(path, method, own) for path, method, own in operations)
    schemas = "".join(_schema(name, own) for name, own in document["components"]["schemas"].items())
    links = "".join(
        f'<li><a href="#{_id(path, method)}">{_address(path, method)}</a></li>' for path, method, _ in operations
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}: API</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/style.css"></head>'
        f'<body class="docs"><main><h1>{title} {escape(document["info"]["version"])}</h1>'
        f"{_text(document['info']['description'])}"
        '<p>For programs: <a href="/openapi.json">openapi.json</a> and, of the live streams, '
        '<a href="/asyncapi.json">asyncapi.json</a>. <a href="/">The page</a></p>'
        f'<nav aria-label="Addresses"><ul>{links}</ul></nav>{sections}'
        f'<section id="schemas"><h2>What the answers are made of</h2>{schemas}</section></main></body></html>'
    )


def _with_values(document: _Json) -> _Json:
    """The document with the values of a named list of values, such as `Turn`, in the places of its name."""
    schemas = document["components"]["schemas"]
    lists = {f"#/components/schemas/{name}": schema for name, schema in schemas.items() if "enum" in schema}

    def replaced(node: Any) -> Any:
        if isinstance(node, list):
            return [replaced(one) for one in node]
        if not isinstance(node, Mapping):
            return node
        if node.get("$ref") in lists:
            return {**{key: value for key, value in node.items() if key != "$ref"}, "enum": lists[node["$ref"]]["enum"]}
        return {key: replaced(value) for key, value in node.items()}

    shown = {name: schema for name, schema in schemas.items() if "enum" not in schema}
    return replaced({**document, "components": {**document["components"], "schemas": shown}})  # type: ignore[no-any-return]


def _section(path: str, method: str, operation: _Json) -> str:
    return (
        f'<section id="{_id(path, method)}"><h2>{_address(path, method)} {escape(operation["summary"])}</h2>'
        f"{_text(operation['description'])}{_curl(path, operation)}"
        f"{_table('Query and path', ('name', 'values', 'default', ''), _parameters(operation))}"
        f"{_table('Form fields', ('name', '', 'needed'), _fields(operation))}{_bodies(operation)}"
        f"{_table('Answers', ('status', '', 'holds'), _answers(operation))}{_example(operation)}</section>"
    )


def _curl(path: str, operation: _Json) -> str:
    """A request that can be copied, with the first of the query's parameters."""
    if "x-codeSamples" in operation:
        return _code(operation["x-codeSamples"][0]["source"])
    if "101" in operation["responses"]:
        return f"<p>Its first message:</p>{_code(_STREAM_EXAMPLE)}"
    form = _form(operation).get("properties", {})
    files = [name for name in form if name != "video" or len(form) == 1]
    parts = ["curl", *(f"-F {name}=@{_FILES[name]}" for name in files)]
    kinds = operation["responses"].get("200", {}).get("content", {})
    if "text/event-stream" in kinds:
        parts.append("-N")  # each event as it comes
    examples = {own["name"]: own["example"] for own in operation.get("parameters", ()) if own["in"] == "path"}
    address = f"{BASE}{path.format(**examples)}"
    lines = [" ".join([*parts, repr(f"{address}?compare=true" if form else address)])]
    if CSV in kinds:
        lines.append(" ".join([f"curl -H 'Accept: {CSV}'", *parts[1:], repr(address)]))
    return _code("\n".join(lines))


def _parameters(operation: _Json) -> Iterator[tuple[str, ...]]:
    for parameter in operation.get("parameters", ()):
        schema = parameter["schema"]
        default = schema.get("default")
        value = "" if default is None else f"<code>{escape(json.dumps(default))}</code>"
        yield (
            f"<code>{escape(parameter['name'])}</code>",
            _type(schema),
            value,
            _text(parameter.get("description", "")),
        )


def _fields(operation: _Json) -> Iterator[tuple[str, ...]]:
    form = _form(operation)
    for name, schema in form.get("properties", {}).items():
        needed = "yes" if name in form.get("required", ()) else "as the mode asks"
        yield f"<code>{escape(name)}</code>", _text(schema["description"]), needed


def _form(operation: _Json) -> _Json:
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("multipart/form-data", {}).get("schema", {})  # type: ignore[no-any-return]


def _bodies(operation: _Json) -> str:
    kinds = [kind for kind in operation.get("requestBody", {}).get("content", {}) if not kind.startswith("multipart")]
    written = ", ".join(f"<code>{escape(kind)}</code>" for kind in kinds)
    return (
        f"<p>Or a body of {written} alone.</p>"
        if kinds and _form(operation)
        else f"<p>A body of {written}.</p>"
        if kinds
        else ""
    )


def _answers(operation: _Json) -> Iterator[tuple[str, ...]]:
    for status, response in sorted(operation["responses"].items()):
        content: _Json = next(iter(response.get("content", {}).values()), {})
        codes = content.get("examples", ())  # of a problem
        holds = ", ".join(f'<a href="/problems/{code}"><code>{code}</code></a>' for code in codes)
        yield (
            f"<code>{escape(status)}</code>",
            _text(response["description"]),
            holds or _type(content.get("schema", {})),
        )


def _example(operation: _Json) -> str:
    content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
    if "example" not in content:
        return ""
    text = json.dumps(content["example"], indent=1, ensure_ascii=False)
    return f"<details><summary>An answer</summary>{_code(text)}</details>"


def _schema(name: str, schema: _Json) -> str:
    rows = (
        (f"<code>{escape(key)}</code>", _type(own), _text(own.get("description", "")))
        for key, own in schema.get("properties", {}).items()
    )
    about = _text(schema.get("description", ""))
    return f'<h3 id="schema-{escape(name)}">{escape(name)}</h3>{about}{_table("", ("field", "holds", ""), rows)}'


def _type(schema: _Json) -> str:
    """A JSON Schema in a few words; named ones are links."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#schema-{name}">{name}</a>'
    if alternatives := schema.get("anyOf"):
        return " or ".join(_type(own) for own in alternatives)
    if "enum" in schema or "const" in schema:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if isinstance(more := schema.get("additionalProperties"), dict):
        return f"by name: {_type(more)}"
    return escape(str(schema.get("type", ""))) + _bounds(schema)


def _bounds(schema: _Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    return "" if low is None else f", {low:g} or more" if high is None else f", {low:g} to {high:g}"


def _table(heading: str, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    written = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    if not written:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' if name else "<td></td>" for name in columns)
    title = f"<h3>{heading}</h3>" if heading else ""
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{written}</tbody></table>"
    return f'{title}<div class="table" tabindex="0">{table}</div>'


def _code(text: str) -> str:
    return f'<pre tabindex="0"><code>{escape(text)}</code></pre>'


def _text(markdown: str) -> str:
    return _MARKDOWN.render(markdown) if markdown else ""


def _address(path: str, method: str) -> str:
    return f"<code>{method.upper()} {escape(path)}</code>"


def _id(path: str, method: str) -> str:
    return escape(f"{method}{path}".replace("/", "-").replace("{", "").replace("}", ""))
