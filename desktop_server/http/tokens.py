"""Access tokens: shown once, kept as hashes.

A token is 256 random bits, so nobody can try them all or find them in a dictionary: a plain SHA-256 keeps it as safe as
a slow password hash with salt would, and is checked in microseconds at every request. Hashes are compared in constant
time, all of them at each check.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from device.errors import AffectdError, ConfigError
from device.files import replace_durably

_PREFIX = "affectd_"
"""Lets people and scanners see what a lost string is."""
_BYTES = 32
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Token:
    """What is kept of one."""

    sha256: str
    made: str


class Tokens:
    """The tokens of a file; changes of the file count at once. Raises ``ConfigError`` for a file that is not safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int, int] | None = None
        self._known: Mapping[str, Token] = {}
        self.known()

    def known(self) -> Mapping[str, Token]:
        """All, by their names."""
        seen = _version(self._path)
        if seen != self._read_at:
            self._known, self._read_at = _read(self._path), seen
        return self._known

    def owner(self, token: str) -> str | None:
        """The name of a token; ``None`` if it is not one."""
        digest = _digest(token)
        owners = [name for name, kept in self.known().items() if hmac.compare_digest(kept.sha256, digest)]
        return owners[0] if owners else None

    def create(self, name: str) -> str:
        """A new token, which nobody can show again. Raises ``AffectdError`` for a name that is taken or none."""
        if not _NAME.fullmatch(name):
            raise AffectdError(f"token {name!r}: a name has 1 to 64 letters, digits, dots, dashes and underscores")
        if name in self.known():
            raise AffectdError(f"token {name!r}: there is one already; revoke it first, or choose another name")
        token = _PREFIX + secrets.token_urlsafe(_BYTES)
        self._write({**self.known(), name: Token(_digest(token), datetime.now(UTC).isoformat(timespec="seconds"))})
        return token

    def revoke(self, name: str) -> None:
        """Make it worthless. Raises ``AffectdError`` if there is none of that name."""
        if name not in self.known():
            raise AffectdError(f"token {name!r}: there is none; known are {', '.join(self.known()) or 'none'}")
        self._write({other: kept for other, kept in self.known().items() if other != name})

    def _write(self, tokens: Mapping[str, Token]) -> None:
        raw = {name: {"sha256": kept.sha256, "made": kept.made} for name, kept in tokens.items()}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            replace_durably(self._path, json.dumps(raw, indent=2).encode(), mode=0o600)
        except OSError as error:
            raise ConfigError(f"{self._path}: cannot keep the tokens ({error.strerror})") from error


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _version(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the tokens ({error.strerror})") from error
    if status.st_mode & 0o077:
        raise ConfigError(f"{path}: others may read or change the tokens; run: chmod 600 {path}")
    return status.st_ino, status.st_mtime_ns, status.st_size


def _read(path: Path) -> Mapping[str, Token]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        tokens = {str(name): Token(str(kept["sha256"]), str(kept["made"])) for name, kept in raw.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: not a file of tokens ({error}); remove it and make new ones") from error
    if any(not _HASH.fullmatch(kept.sha256) for kept in tokens.values()):
        raise ConfigError(f"{path}: not a file of tokens; remove it and make new ones")
    return tokens
