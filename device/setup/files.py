"""Configuration files that setup writes, each in one piece or not at all."""

from __future__ import annotations

import grp
import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from device.config.settings import Settings
from device.config.settings_file import parse_settings
from device.errors import AffectdError, ConfigError
from device.files import sync_folder, write_new
from device.setup.draft import Draft

_GROUP = "affectd"
_SECRET, _PUBLIC = 0o640, 0o644


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be: readable by everybody, or by its owner and the appliance's group only."""

    path: Path
    content: bytes = b""
    secret: bool = False


def write_draft(draft: Draft, config: Path, *, along: Sequence[NewFile] = ()) -> None:
    """Put the configuration in place, the password beside it and what goes ``along``; the old one stays as ``….old``.

    Raises ``AffectdError`` if that cannot be done, and ``ConfigError`` for settings that would not be read back; the
    old files are untouched then.
    """
    config = config.resolve()
    files = list(along)
    if draft.password is not None:
        password = Path(draft.settings.mqtt.password_file or config.with_name("mqtt-password"))
        draft = draft.change("mqtt", password_file=str(password))
        files.append(NewFile(password, f"{draft.password}\n".encode(), secret=True))
    text = sparse_toml(draft.settings)
    if parse_settings(text, str(config)) != draft.settings:
        raise ConfigError(f"{config}: what would be written reads back as something else; please report this")
    files.append(NewFile(config, text.encode(), secret="://" in draft.settings.camera.source))
    if config.exists():
        files.insert(0, NewFile(config.with_name(config.name + ".old"), config.read_bytes(), secret=_is_secret(config)))
    write_files(files)


def write_files(files: list[NewFile]) -> None:
    """All are written beside their places first, and then put there. Raises ``AffectdError``."""
    staged: list[tuple[Path, Path]] = []
    try:
        for file in files:
            staged.append((temporary := file.path.with_name(f".{file.path.name}.new"), file.path))
            _stage(temporary, file)
        for temporary, path in staged:
            temporary.replace(path)
        for folder in {path.parent for _, path in staged}:
            sync_folder(folder)
    except OSError as error:
        raise AffectdError(
            f"{error.filename or files[-1].path}: cannot be written ({error.strerror}){_hint()}"
        ) from error
    finally:
        for temporary, _ in staged:
            with suppress(OSError):  # it was put in place, or never made
                temporary.unlink()


def require_writable_config(config: Path) -> None:
    """Fail before a question is asked rather than after the last. Raises ``AffectdError``."""
    folder = next(path for path in config.resolve().parents if path.exists())
    if not os.access(folder, os.W_OK):
        raise AffectdError(f"{config}: {_why_not(folder)}")


def sparse_toml(settings: Settings) -> str:
    """What differs from the defaults, and the node's name: a default that gets better later is not held back."""
    chosen, default = msgspec.to_builtins(settings), msgspec.to_builtins(Settings())
    default["node"].pop("id")
    lines = ["# Written by `affectd setup`. `affectd config schema` prints every key, `config show` what is in force."]
    for table, entries in chosen.items():
        other = {
            key: value for key, value in entries.items() if key not in default[table] or default[table][key] != value
        }
        if other:
            lines += [
                "",
                f"[{table}]",
                *(f"{key} = {msgspec.json.encode(value).decode()}" for key, value in other.items()),
            ]
    return "\n".join([*lines, ""])


def _stage(temporary: Path, file: NewFile) -> None:
    temporary.parent.mkdir(parents=True, exist_ok=True)
    temporary.unlink(missing_ok=True)
    mode = _SECRET if file.secret else _PUBLIC
    write_new(temporary, file.content, mode=mode)
    temporary.chmod(mode)  # whatever the umask
    if file.secret:
        _let_the_appliance_read(temporary)
    elif file.path.exists():
        _take_after(temporary, file.path)


def _let_the_appliance_read(path: Path) -> None:
    with suppress(LookupError, PermissionError):  # without the package there is no such group
        os.chown(path, -1, grp.getgrnam(_GROUP).gr_gid)


def _take_after(temporary: Path, before: Path) -> None:
    """Whose it is and who may read it stays as somebody has set it."""
    with suppress(PermissionError):
        os.chown(temporary, before.stat().st_uid, before.stat().st_gid)
    shutil.copymode(before, temporary)


def _is_secret(path: Path) -> bool:
    return not path.stat().st_mode & 0o004


def _why_not(folder: Path) -> str:
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        return f"{folder} is on a file system that is read-only"
    return f"no permission to write to {folder}{_hint()}"


def _hint() -> str:
    return "" if os.geteuid() == 0 else "; run it with sudo"
