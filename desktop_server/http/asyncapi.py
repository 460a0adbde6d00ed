"""The AsyncAPI 3 document of live streams: ``/asyncapi.json``, and docs/asyncapi-stream.yaml."""

from __future__ import annotations

import json
from importlib.metadata import version
from inspect import cleandoc

from fastapi import APIRouter
from pydantic.json_schema import models_json_schema

from desktop_server.http.openapi import problem_schema, problems
from desktop_server.schema import stream
from device.publish.contract import Json

_MESSAGES: Json = {
    "config": ("What the stream is to be", {"$ref": "#/components/schemas/StreamConfig"}),
    "estimate": ("That the stream is ready; then estimates", {"$ref": "#/components/schemas/StreamMessage"}),
    "problem": ("Why the stream ends", {"$ref": "#/components/schemas/Problem"}),
}
_BINARY: Json = {
    "picture": ("P", "A picture of the camera", "the rest is a JPEG, PNG or WebP"),
    "sound": ("S", "A piece of sound", "the rest are int16 little-endian mono samples, two seconds of them at most"),
}
_HEAD = "eight bytes, the time of its capture in microseconds of the client's own clock, unsigned, big-endian"


def asyncapi_document() -> Json:
    """The document."""
    schemas = {**message_schemas(), "Problem": problem_schema()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "affectd live stream",
            "version": version("affectd"),
            "description": cleandoc(stream.__doc__ or ""),
        },
        "servers": {"default": {"host": "127.0.0.1:8384", "protocol": "ws", "description": "wss where it has TLS."}},
        "defaultContentType": "application/json",
        "channels": {
            "stream": {
                "address": "/v1/stream",
                "title": "Live pictures and sound",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in (*_MESSAGES, *_BINARY)},
                "bindings": {"ws": {"method": "GET"}},
            }
        },
        "operations": {
            "configure": _operation("receive", "The first message of a client, once.", "config"),
            "receiveSignals": _operation(
                "receive", "Signals, those of one kind in the order of their times.", *_BINARY
            ),
            "sendEstimates": _operation("send", "What is read, and what is wrong.", "estimate", "problem"),
        },
        "components": {"messages": _messages(), "schemas": schemas},
    }


def _operation(action: str, summary: str, *messages: str) -> Json:
    return {
        "action": action,  # of the server
        "channel": {"$ref": "#/channels/stream"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/stream/messages/{name}"} for name in messages],
    }


def _messages() -> Json:
    text = {name: {"title": title, "payload": schema} for name, (title, schema) in _MESSAGES.items()}
    binary = {
        name: {
            "title": title,
            "contentType": "application/octet-stream",
            "description": f"A binary message: one byte, `{letter}`; {_HEAD}; {rest}.",
            "payload": {"type": "string", "format": "binary"},
        }
        for name, (letter, title, rest) in _BINARY.items()
    }
    return text | binary


def message_schemas() -> Json:
    """JSON Schemas of a stream's text messages, with what they are made of, by name."""
    _, found = models_json_schema(
        [(stream.StreamConfig, "validation"), (stream.StreamMessage, "validation")],
        ref_template="#/components/schemas/{model}",
    )
    return dict(sorted(found["$defs"].items()))


router = APIRouter(tags=["emotion"])


@router.get("/asyncapi.json", summary="What a live stream carries, for programs", responses=problems(400))
async def asyncapi() -> Json:
    """An AsyncAPI 3 document of `/v1/stream`: its messages, in both directions."""
    return asyncapi_document()


if __name__ == "__main__":  # docs/asyncapi-stream.yaml; JSON is YAML
    print(json.dumps(asyncapi_document(), indent=1, ensure_ascii=False))  # noqa: T201
