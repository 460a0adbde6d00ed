"""Validation of the broker's host, a name or an address, and of what people write in its place."""

from __future__ import annotations

import re
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

_LABEL = re.compile(r"(?!-)[a-zA-Z0-9_-]{1,63}(?<!-)")
_TLS = ("mqtts", "ssl", "tls", "wss")
"""Schemes of addresses that others write for a broker with TLS."""


def host_problem(host: str) -> str:
    """What is wrong with ``mqtt.host``, and the settings that are meant; empty if it is usable."""
    if _is_host(host):
        return ""
    return (
        f"mqtt.host {_without_login(host)!r} is no host name; write a name or an address alone: "
        f"{_meant(host) or 'broker.lan, for one, or 192.168.1.10'}"
    )


def _without_login(host: str) -> str:
    """A password that stands in an address is not for logs."""
    scheme, separator, rest = host.rpartition("://")
    return f"{scheme}{separator}{rest.rpartition('@')[2]}"


def _is_host(host: str) -> bool:
    with suppress(ValueError):
        return bool(ip_address(host))
    try:
        labels = host.encode("idna").decode().removesuffix(".").split(".")
    except UnicodeError:
        return False
    # A last part of digits alone would be an address, and is none.
    return all(_LABEL.fullmatch(label) for label in labels) and not labels[-1].isdecimal()


def _meant(host: str) -> str:
    """The settings that an address with its scheme, port or path stands for; empty if it has no host."""
    try:
        parts = urlsplit(host if "://" in host else f"//{host}")
        name, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if not _is_host(name):
        return ""
    entries = [f'host = "{name}"', *([f"port = {port}"] if port else []), *(["tls = true"] * (parts.scheme in _TLS))]
    return ", ".join([*entries, *([f'username = "{parts.username}"'] if parts.username else [])])
