"""Requests to the node: every one gets a response, and none can bring the node down."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from device.errors import AffectdError
from device.publish.contract import Json, Response

_log = logging.getLogger(__name__)

MAX_REQUEST_BYTES = 4096
"""The longest request. The longest sensible one is under 200 bytes."""

_MAX_TRANSACTION = 128

Handler = Callable[[Mapping[str, Any]], Json]
"""Called on the main thread with the request's fields; gives the answer's ``data``, or raises ``AffectdError``."""


class Unsound(AffectdError):
    """A request that was carried out and found faults: the answer names them all, and has ``data`` all the same."""

    def __init__(self, faults: str, data: Json) -> None:
        super().__init__(faults)
        self.data = data


def answer(verb: str, payload: bytes, handlers: Mapping[str, Handler]) -> Response:
    """Run the verb's handler and say what came of it. Never raises for anything a stranger can send."""
    transaction = None
    try:
        request = _parsed(payload)
        transaction = _transaction(request)
        data = _handler(verb, handlers)(request)
        return Response(transaction, "ok", data, None)
    except AffectdError as error:
        _log.warning("request %s: %s", verb, error)
        return Response(transaction, "error", error.data if isinstance(error, Unsound) else None, str(error))


def refusal(reason: str, transaction: str | int | None = None) -> Response:
    """The answer that says no."""
    return Response(transaction, "error", None, reason)


def requested_privacy(payload: bytes) -> bool | None:
    """``ON`` is ``True``: camera and microphone are to be closed. ``None``: neither ``ON`` nor ``OFF``."""
    return {b"ON": True, b"OFF": False}.get(payload.strip())


def _parsed(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > MAX_REQUEST_BYTES:
        raise AffectdError(f"the request is longer than {MAX_REQUEST_BYTES} bytes")
    try:
        request = json.loads(payload) if payload.strip() else {}
    except (ValueError, RecursionError) as error:
        raise AffectdError("the request is not JSON; send an object or nothing") from error
    if not isinstance(request, dict):
        raise AffectdError("the request is not a JSON object; send an object or nothing")
    return request


def _transaction(request: Mapping[str, Any]) -> str | int | None:
    transaction = request.get("transaction")
    if isinstance(transaction, bool) or not isinstance(transaction, str | int | None):
        raise AffectdError("transaction is neither text nor a whole number")
    if len(str(transaction)) > _MAX_TRANSACTION:
        raise AffectdError(f"transaction is longer than {_MAX_TRANSACTION} characters")
    return transaction


def _handler(verb: str, handlers: Mapping[str, Handler]) -> Handler:
    if verb not in handlers:
        raise AffectdError(f"there is no such request; known: {', '.join(sorted(handlers)) or 'none'}")
    return handlers[verb]
