"""Access control: tokens, names that the server answers under, other sites' pages, rate limits."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from desktop_server.http.problems import problem
from desktop_server.http.tokens import Token, Tokens
from desktop_server.schema.problems import RequestError
from device.errors import ConfigError

_log = logging.getLogger(__name__)

GUARDED = ("/v1", "/v2", "/metrics")
"""What needs a token, and is counted. The page's files, its schema and the health checks hold nothing of anybody's."""
TOKEN_PROTOCOL = "affectd.token."
"""A browser cannot set headers on a WebSocket: it offers its token as a sub-protocol with this prefix."""
_MAX_CLIENTS = 10_000
_CLIENT = "affectd.client"
_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="affectd"'}


@dataclass(slots=True)
class _Bucket:
    full: float
    at_s: float


class RateLimit:
    """Token buckets, one a client: ``burst`` at once, ``rate_hz`` after that. The newest 10,000 are remembered."""

    def __init__(self, *, rate_hz: float, burst: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._rate_hz, self._burst, self._clock_s = rate_hz, burst, clock_s
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, client: str) -> None:
        """Count a request. Raises ``RequestError`` (``rate-limited``) with the time to wait."""
        now_s = self._clock_s()
        bucket = self._buckets.pop(client, None) or _Bucket(float(self._burst), now_s)
        bucket.full = min(float(self._burst), bucket.full + (now_s - bucket.at_s) * self._rate_hz)
        bucket.at_s = now_s
        self._buckets[client] = bucket
        if len(self._buckets) > _MAX_CLIENTS:
            self._buckets.popitem(last=False)
        if bucket.full < 1:
            raise RequestError(
                "rate-limited",
                f"more than {self._rate_hz:g} requests a second",
                retry_after_s=(1 - bucket.full) / self._rate_hz,
            )
        bucket.full -= 1


@dataclass(frozen=True, slots=True)
class AccessPolicy:
    """Who may ask, and how often. ``is_public``: others can reach the address.

    ``limits_all``: the rate counts also where no token is required, for each address.
    """

    tokens: Tokens
    rate: RateLimit
    is_public: bool
    limits_all: bool


class Access:
    """The access middleware: it passes on what the policy allows. ``on_refusal`` is called with each refusal's code.

    Without any token the server listens on a loopback address only (see ``wiring.access``), and then answers under a
    loopback name alone: a foreign site whose name is made to point here (DNS rebinding) must not read its answers. A
    server that others can reach (``is_public``), or that has required tokens once, goes on to require them without any:
    revoking the last one shuts it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        policy: AccessPolicy,
        on_refusal: Callable[[str], None] = lambda _code: None,
    ) -> None:
        self._app, self._tokens, self._rate, self._on_refusal = app, policy.tokens, policy.rate, on_refusal
        self._requires_token, self._limits_all = policy.is_public, policy.limits_all
        self._logged = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As every ASGI application."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope, Headers(scope=scope))
        except RequestError as error:
            self._on_refusal(error.code)
            challenge = _CHALLENGE if error.code in ("no-token", "wrong-token") else {}
            answer = problem(error.code, str(error), headers=challenge, retry_after_s=error.retry_after_s)
            await answer(scope, receive, send)  # a WebSocket is denied with the same document
            return
        await self._app(scope, receive, send)

    def _check(self, scope: Scope, headers: Headers) -> None:
        self._requires_token = bool(self._known()) or self._requires_token
        if not self._requires_token:
            _require_own_name(headers)
        _require_own_page(scope, headers)
        if not _is_guarded(scope["path"]):
            return
        client = f"address {(scope.get('client') or ['?'])[0]}"
        if self._requires_token:
            client = f"token {self._owner(scope, headers, client)}"
        scope[_CLIENT] = client
        if self._requires_token or self._limits_all:
            self._rate.take(client)

    def _known(self) -> Mapping[str, Token]:
        """The file may have been damaged, or opened to others, since the start."""
        try:
            return self._tokens.known()
        except ConfigError as error:
            if str(error) != self._logged:  # once, not for each request
                self._logged = str(error)
                _log.error("%s", error)
            raise RequestError("tokens-unreadable", "its owner finds the reason in its log") from error

    def _owner(self, scope: Scope, headers: Headers, client: str) -> str:
        token = _token(scope, headers)
        owner = None if token is None else self._tokens.owner(token)
        if owner is None:
            self._rate.take(client)  # whoever tries tokens is slowed down, too
            code = "no-token" if token is None else "wrong-token"
            raise RequestError(code, "send `Authorization: Bearer TOKEN`; `affectd-server token create` makes one")
        return owner


def client_of(scope: Scope) -> str:
    """Who asks, a token or an address, of a guarded address's request that access control has passed on."""
    return str(scope[_CLIENT])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach that address or name."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")


def _is_guarded(path: str) -> bool:
    return any(path == part or path.startswith(part + "/") for part in GUARDED)


def _token(scope: Scope, headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    offered = scope.get("subprotocols", ())
    return next((name.removeprefix(TOKEN_PROTOCOL) for name in offered if name.startswith(TOKEN_PROTOCOL)), None)


def _require_own_name(headers: Headers) -> None:
    host = _split(f"//{headers.get('host', '')}").hostname or ""
    if not is_loopback(host):
        raise RequestError("foreign-host", f"this server has no tokens: it answers as localhost, not as {host!r}")


def _require_own_page(scope: Scope, headers: Headers) -> None:
    """Browsers name the site of the page that asks, except for plain reading of the own site."""
    origin = headers.get("origin")
    if origin is None or (scope["type"] == "http" and scope["method"] in ("GET", "HEAD")):
        return
    if _split(origin).netloc.lower() != headers.get("host", "").lower():
        raise RequestError("foreign-origin", f"a page of {origin} asked; only this server's own page may")


def _split(address: str) -> SplitResult:
    """Its parts; none of what is no address."""
    try:
        return urlsplit(address)
    except ValueError:
        return urlsplit("")
