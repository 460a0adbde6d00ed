"""Unknown query parameters and headers: refused with a sentence, as unknown fields of a form are.

A parameter that is misspelt, or sent as a header, would else be ignored in silence and give another answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from fastapi.dependencies.models import Dependant
from starlette.requests import HTTPConnection
from starlette.types import Scope

from desktop_server.schema.problems import RequestError

_NOT_READ: Mapping[str, str] = {
    "content-encoding": "bodies are read as they are: send it without compression",
    "content-range": "parts of a body are not put together: send all of it at once",
    "inference-header-content-length": "tensors are read as JSON, not in binary: send `data`",
}
"""Headers that say of a body that it is something else than its bytes; others are ignored, as HTTP has it."""
_PLAIN = "identity"
_FIRST_MESSAGE = "a stream is told so by its first message"


def query_names(scope: Scope) -> Sequence[str]:
    """The query parameters that the address knows."""
    dependant = getattr(scope.get("route"), "dependant", None)
    return [] if dependant is None else list(_flat_query_names(dependant))


def _flat_query_names(dependant: Dependant) -> Iterator[str]:
    """Its own, and those of what it depends on."""
    yield from (field.alias for field in dependant.query_params)
    for other in dependant.dependencies:
        yield from _flat_query_names(other)


async def require_known(connection: HTTPConnection) -> None:
    """Of every address. Raises ``RequestError``."""
    if connection.scope["type"] == "http":  # a stream refuses before it is accepted, see there
        refuse_unknown(connection)


def refuse_unknown(connection: HTTPConnection, *, in_first_message: Collection[str] = ()) -> None:
    """Raises ``RequestError`` for a query parameter that is not known or comes twice, and for such headers.

    ``in_first_message``: what a stream is told by its first message alone.
    """
    known = query_names(connection.scope)
    for name, times in Counter(name for name, _ in connection.query_params.multi_items()).items():
        if name not in known:
            hint = _FIRST_MESSAGE if name in in_first_message else _hint(name, known)
            raise RequestError("unknown-parameter", f"there is no query parameter {name!r}; {hint}")
        if times > 1:
            raise RequestError("malformed-request", f"the query parameter {name!r} is there {times} times; send one")
    for name, value in connection.headers.items():
        _refuse_header(name, value, known, in_first_message)


def _refuse_header(name: str, value: str, known: Collection[str], in_first_message: Collection[str]) -> None:
    if name in _NOT_READ and value.strip().lower() != _PLAIN:
        raise RequestError("unknown-header", f"the header {name!r} is not known here; {_NOT_READ[name]}")
    bare = name.removeprefix("x-").replace("-", "_")
    if bare in known or bare in in_first_message:
        hint = f"ask in the query: ?{bare}={value}" if bare in known else _FIRST_MESSAGE
        raise RequestError("unknown-header", f"the header {name!r} is not known here; {hint}")


def _hint(name: str, known: Sequence[str]) -> str:
    if not known:
        return "this address takes none"
    near = get_close_matches(name, known, 1)
    return f"{f'did you mean {near[0]!r}? ' if near else ''}known are {', '.join(known)}"
