"""Setup without a person at the machine: a file on the boot partition, written on whatever computer wrote the card.

The file is a configuration like any other, with two liberties: ``mqtt.password`` holds the password itself, which goes
to its own file and is wiped here, and certificates may lie beside it and be named without a folder.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from device.app import require_usable_settings
from device.config.settings import Settings
from device.config.settings_file import decode_settings
from device.errors import AffectdError, ConfigError
from device.publish.wall_clock import now_text
from device.setup.draft import Draft
from device.setup.files import NewFile
from device.setup.purpose import require_lawful

_REPORT = "affectd-setup.txt"
_CERTIFICATES = ("ca_file", "cert_file", "key_file")


@dataclass(frozen=True, slots=True)
class Order:
    """Request of a setup file: a draft, and the certificates to bring along."""

    draft: Draft
    files: tuple[NewFile, ...]


def read_order(path: Path, config: Path) -> Order:
    """The file, checked. Raises ``ConfigError`` with everything that is wrong with it, a line each."""
    raw = _tables(path)
    password = _take_password(raw)
    beside = _beside(raw)
    problems = [*_purpose_problems(raw), *_missing(beside, path.parent)]
    draft = None
    try:
        there = Draft(decode_settings(raw, path.name, Settings), password)
        draft = there.change("mqtt", **{key: str(path.parent / name) for key, name in beside.items()})
        problems += [] if problems else _unusable(draft)
    except ConfigError as error:
        problems.append(str(error))
    if problems or draft is None:
        raise ConfigError("\n".join(problems))
    return Order(
        draft.change("mqtt", **{key: str(config.parent / name) for key, name in beside.items()}),
        tuple(_copy(path.parent / name, config.parent, secret=key == "key_file") for key, name in beside.items()),
    )


def report(path: Path, lines: list[str]) -> None:
    """Leave beside the setup file what came of it: the card can be read where the appliance has no screen."""
    with suppress(OSError):  # a boot partition that is read-only; the journal has the same
        (path.parent / _REPORT).write_text("\r\n".join([f"affectd setup, {now_text()}", *lines, ""]), encoding="utf-8")


def wipe(path: Path) -> None:
    """Remove the file: it held a password, and would undo later changes at each start. Raises ``AffectdError``."""
    try:
        path.unlink()
    except OSError as error:
        raise AffectdError(
            f"{path}: cannot be removed ({error.strerror}); remove it, it may hold a password"
        ) from error


def _tables(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))  # Notepad begins a file with a mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path.name}: not UTF-8 text at byte {error.start}; save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path.name}: not TOML: {error}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the setup file ({error.strerror})") from error


def _take_password(raw: dict[str, Any]) -> str | None:
    mqtt = raw.get("mqtt")
    password = mqtt.pop("password", None) if isinstance(mqtt, dict) else None
    if password is not None and not (isinstance(password, str) and password):
        raise ConfigError("mqtt.password: write the password in quotes")
    return password


def _beside(raw: Mapping[str, Any]) -> dict[str, str]:
    """The certificates that are named without a folder, by their keys."""
    mqtt = raw.get("mqtt")
    named = {key: mqtt[key] for key in _CERTIFICATES if key in mqtt} if isinstance(mqtt, dict) else {}
    return {key: name for key, name in named.items() if isinstance(name, str) and name and "/" not in name}


def _missing(beside: Mapping[str, str], folder: Path) -> list[str]:
    return [
        f"mqtt.{key} = {name!r}: there is no such file beside the setup file; copy it there"
        for key, name in beside.items()
        if not (folder / name).is_file()
    ]


def _purpose_problems(raw: dict[str, Any]) -> list[str]:
    """A forbidden purpose with its reason; it is taken out, so that it is not refused a second time without one."""
    node = raw.setdefault("node", {})
    if not isinstance(node, dict):
        return []
    try:
        node["purpose"] = require_lawful(str(node.pop("purpose", "")))
    except ConfigError as error:
        return [str(error)]
    return []


def _unusable(draft: Draft) -> list[str]:
    try:
        require_usable_settings(draft.settings)
        draft.address()
    except AffectdError as error:
        return [str(error)]
    if draft.password and not draft.settings.mqtt.username:
        return ["mqtt.username is missing: a password is set without a user name"]
    return []


def _copy(path: Path, folder: Path, *, secret: bool) -> NewFile:
    return NewFile(folder / path.name, path.read_bytes(), secret)
