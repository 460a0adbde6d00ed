"""Ray clusters: one of this machine's own, or one that many machines form."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp

import ray
from ray import serve

from device.errors import AffectdError, ConfigError

_SHARED_MEMORY = Path("/dev/shm")
_STORE_BYTES = 128 * 2**20
"""For what is between processes at one moment; Ray's own default is a third of the memory."""
_REACHED_S = 5.0
_ENDED_S = 15.0


@contextmanager
def own_ray(cpus: int) -> Iterator[None]:
    """A Ray of its own, of ``cpus`` processors (0: as many as there are), ended for sure.

    What Ray writes, media too large for one of its messages among it, stays in memory and goes with it. Raises
    ``ConfigError`` without room for that, ``AffectdError`` if Ray does not start.
    """
    free = shutil.disk_usage(_SHARED_MEMORY).free
    if free < 2 * _STORE_BYTES:
        raise ConfigError(
            f"{_SHARED_MEMORY} has {free // 2**20} MiB free and Ray needs {2 * _STORE_BYTES // 2**20}; "
            "give it more (docker: --shm-size)"
        )
    with ExitStack() as stack:
        folder = mkdtemp(prefix="affectd-ray-", dir=_SHARED_MEMORY)
        stack.callback(_remove, folder)
        stack.callback(_shut_down)
        _start(folder, cpus)
        yield


@contextmanager
def joined_ray(address: str) -> Iterator[None]:
    """The Ray at ``host:port``. Raises ``ConfigError`` if there is none that lets us in."""
    _require_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, configure_logging=False)
    except Exception as error:  # Ray's own share no base class
        raise ConfigError(f"--cluster {address}: no Ray lets us in there ({_line(error)}); see: ray status") from error
    try:
        yield
    finally:
        ray.shutdown()


def _start(folder: str, cpus: int) -> None:
    try:
        ray.init(
            address="local",
            num_cpus=cpus or None,
            include_dashboard=False,
            object_store_memory=_STORE_BYTES,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=folder,
        )
    except Exception as error:  # Ray's own share no base class
        raise AffectdError(
            f"Ray does not start ({_line(error)}); is the machine too busy, or its memory full?"
        ) from error


def _shut_down() -> None:
    if ray.is_initialized():  # else Serve would start it
        serve.shutdown()  # type: ignore[no-untyped-call, unused-ignore]
    ray.shutdown()


def _remove(folder: str) -> None:
    """Once nobody is left who would write there again: Ray's agents notice its end a moment later."""
    until_s = time.monotonic() + _ENDED_S
    while _is_used(folder) and time.monotonic() < until_s:
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)


def _is_used(folder: str) -> bool:
    """Whether any process was started with a word about it."""
    return any(folder.encode() in _words(path) for path in Path("/proc").glob("[0-9]*/cmdline"))


def _words(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def _require_reachable(address: str) -> None:
    """Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal():
        raise ConfigError(f"--cluster {address!r}: not an address of Ray's, HOST:PORT; `ray start --head` prints it")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _REACHED_S).close()
    except (OSError, OverflowError) as error:
        raise ConfigError(
            f"--cluster {address}: nobody answers ({error}); start a Ray there: ray start --head --disable-usage-stats"
        ) from error


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
