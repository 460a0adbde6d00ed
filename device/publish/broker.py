"""Broker address, login and TLS, checked before anybody connects."""

from __future__ import annotations

import logging
import ssl
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from device.config.host_name import host_problem
from device.errors import ConfigError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password; the password is in no text that is printed or logged."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tls:
    """``ca_file`` none: the system's authorities. The broker's name is always checked."""

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Address and protocol of the broker: ``5`` or ``3.1.1``."""

    host: str = "localhost"
    port: int = 1883
    protocol: str = "5"
    keepalive_s: int = 20
    login: Login | None = None
    tls: Tls | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def require_usable_broker(address: BrokerAddress) -> None:
    """Raise ``ConfigError`` for what would otherwise end the network thread without a word."""
    if address.protocol not in ("5", "3.1.1"):
        raise ConfigError(f'mqtt.protocol {address.protocol!r} is not known; use "5" or "3.1.1"')
    if not 1 <= address.port <= 65_535:
        raise ConfigError(f"mqtt.port {address.port} is no port; use 1 to 65535 (1883 plain, 8883 with TLS)")
    if problem := host_problem(address.host):
        raise ConfigError(problem)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """The files' contents, checked. Raises ``ConfigError`` that names the file."""
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"mqtt.ca_file {tls.ca_file}: not a readable certificate file ({error})") from error
    if tls.key_file is not None and tls.cert_file is None:
        raise ConfigError(f"mqtt.key_file {tls.key_file}: a key without mqtt.cert_file is of no use; set both or none")
    if tls.cert_file is not None:
        try:
            context.load_cert_chain(tls.cert_file, tls.key_file)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"mqtt.cert_file {tls.cert_file}: not usable with key {tls.key_file} ({error})"
            ) from error
    return context


def warn_of_risks(address: BrokerAddress) -> None:
    """Say what this configuration gives away."""
    if address.login is not None and address.tls is None and not _is_this_machine(address.host):
        _log.warning("the password travels to %s in clear text; set mqtt.tls", address)


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
