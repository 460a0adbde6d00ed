"""The configuration file: read with errors that say where, written whole."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from device.config.settings import DEFAULT_CONFIG, IN_WORDS, PREFIX_PATTERN, Settings, as_name
from device.config.settings_check import contradictions
from device.errors import ConfigError

_Settings = TypeVar("_Settings", bound=Settings)


def load_settings(path: Path) -> Settings:
    """Read a configuration file. Raises ``ConfigError``: one line with file, key, value and nearest key."""
    return load_settings_as(path, Settings)


def chosen_settings(path: Path | None) -> Settings:
    """The file that was named, else the installed one, else the defaults. Raises ``ConfigError``."""
    if path is None and not DEFAULT_CONFIG.exists():
        return Settings()
    return load_settings(path or DEFAULT_CONFIG)


def load_settings_as(path: Path, kind: type[_Settings]) -> _Settings:
    """The same for settings with more tables than a node's: a subclass that adds them."""
    try:
        return parse_settings_as(
            path.read_text(encoding="utf-8-sig"), str(path), kind
        )  # editors of Windows write a mark
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text at byte {error.start}; save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the configuration ({error.strerror})") from error


def parse_settings(text: str, name: str) -> Settings:
    """Settings from TOML text; ``name`` is what errors call it."""
    return parse_settings_as(text, name, Settings)


def parse_settings_as(text: str, name: str, kind: type[_Settings]) -> _Settings:
    """Settings of any kind from TOML text."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name}: not TOML: {error}") from error
    return decode_settings(raw, name, kind)


def decode_settings(raw: Mapping[str, Any], name: str, kind: type[_Settings]) -> _Settings:
    """Settings of any kind from the tables of a TOML text. Raises ``ConfigError``."""
    _refuse_unknown_keys(raw, name, kind)
    try:
        settings = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{name}: {_explain(str(error), raw, kind)}") from error
    for contradiction in contradictions(settings):
        raise ConfigError(f"{name}: {contradiction}")
    return settings


def schema(kind: type[Settings] = Settings) -> dict[str, Any]:
    """The JSON schema of the configuration file."""
    return msgspec.json.schema(kind)


def to_toml(settings: Settings) -> str:
    """The settings as a complete file: what is in force, defaults and all."""
    tables = msgspec.to_builtins(settings)
    lines = []
    for table, entries in tables.items():
        lines += [f"[{table}]", *(f"{key} = {_toml_value(value)}" for key, value in entries.items()), ""]
    return "\n".join(lines)


def _toml_value(value: Any) -> str:
    return msgspec.json.encode(value).decode()  # JSON's strings, numbers, booleans and lists are TOML's, too


def _refuse_unknown_keys(raw: Mapping[str, Any], name: str, kind: type[Settings]) -> None:
    tables = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for table, entries in raw.items():
        if table not in tables:
            raise ConfigError(f"{name}: unknown table [{table}]{_nearest(table, tables)}")
        if not isinstance(entries, dict):
            raise ConfigError(f"{name}: {table} = {entries!r}: expected a table [{table}]")
        keys = [field.name for field in msgspec.structs.fields(tables[table])]
        for key, value in entries.items():
            if key not in keys:
                raise ConfigError(f"{name}: unknown key {table}.{key} = {value!r}{_nearest(key, keys)}")


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.4)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _explain(problem: str, raw: Mapping[str, Any], kind: type[Settings]) -> str:
    """msgspec's ``Expected … - at `$.camera.rate_hz``` with the key first and the offending value."""
    message, _, place = problem.partition(" - at `$.")
    key = re.sub(r"\[\S*\]", "", place.rstrip("`"))
    value: Any = raw
    for part in re.findall(r"[a-z_]+", key):
        value = value.get(part) if isinstance(value, dict) else value
    return f"{key} = {value!r}: {_in_words(message, value)}{_choices(key, kind)}"


def _in_words(message: str, value: Any) -> str:
    """A pattern says nothing to most people."""
    for pattern, words in IN_WORDS.items():
        if repr(pattern) in message:
            levels = str(value).split("/") if pattern == PREFIX_PATTERN else [str(value)]
            near = "/".join(filter(None, map(as_name, levels)))
            return f"expected {words}" + (f", such as {near!r}" if near else "")
    return message[:1].lower() + message[1:]


def _choices(key: str, kind: type[Settings]) -> str:
    """What may stand there, if that is a short list."""
    table, _, entry = key.partition(".")
    section = get_type_hints(kind)[table]
    hint = get_type_hints(section).get(entry)
    return f"; known are {', '.join(map(repr, get_args(hint)))}" if get_origin(hint) is Literal else ""
