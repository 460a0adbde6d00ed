"""``affectd watch``: a live view in the terminal of what the broker carries."""

from __future__ import annotations

import json
import logging
import select
import sys
import termios
import time
import tty
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.live import Live

from device.errors import AffectdError
from device.publish.broker import BrokerAddress
from device.publish.message import Message
from device.publish.mqtt import MqttClient
from device.watch.node_registry import NodeRegistry
from device.watch.watch_view import render

_STEP_S = 0.1


def watch(address: BrokerAddress, *, prefix: str = "affectd") -> None:
    """Draw every node below ``prefix`` until ``q`` or Ctrl-C. Raises ``AffectdError`` where there is no terminal."""
    console = Console()
    if not (console.is_terminal and sys.stdin.isatty()):
        raise AffectdError("the live view needs a terminal; use --json for a pipe or a file")
    with _quiet_log(), _listening(address, prefix) as link, _single_keys(sys.stdin):
        _draw(link, NodeRegistry(prefix), address, console)


def watch_lines(address: BrokerAddress, stream: TextIO, *, prefix: str = "affectd") -> None:
    """Write one JSON line a message, ``{"topic", "retain", "payload"}``, until Ctrl-C or nobody reads."""
    with _listening(address, prefix) as link:
        try:
            while True:
                if (message := link.inbox.take(_STEP_S)) is not None:
                    stream.write(json_line(message) + "\n")
                    stream.flush()
        except (KeyboardInterrupt, BrokenPipeError):
            return


def json_line(message: Message) -> str:
    """A message as a line; a payload that is not JSON (NaN is none) becomes text."""
    head = {"topic": message.address, "retain": message.retain}
    try:
        return json.dumps({**head, "payload": json.loads(message.payload)}, allow_nan=False)
    except (ValueError, RecursionError):
        return json.dumps({**head, "payload": message.payload.decode(errors="replace")})


def _draw(link: MqttClient, nodes: NodeRegistry, address: BrokerAddress, console: Console) -> None:
    with Live(console=console, screen=True, auto_refresh=False) as live:
        try:
            while not _quit_was_pressed():
                now_ns = time.monotonic_ns()
                while (message := link.inbox.take(0)) is not None:
                    nodes.update(message, now_ns)
                view = render(nodes, now_ns, broker=str(address), problem=_problem(link), height=console.height)
                live.update(view, refresh=True)
        except KeyboardInterrupt:
            return


def _problem(link: MqttClient) -> str | None:
    return None if link.connected else link.problem or "connecting to the broker …"


@contextmanager
def _listening(address: BrokerAddress, prefix: str) -> Iterator[MqttClient]:
    link = MqttClient(
        address,
        client_id=f"affectd-watch-{uuid.uuid4().hex[:8]}",
        subscriptions=[f"{prefix}/+/#"],
        inbox_capacity=1024,
    )
    link.open()
    try:
        yield link
    finally:
        link.close()


def _quit_was_pressed() -> bool:
    ready, _, _ = select.select([sys.stdin], [], [], _STEP_S)
    return bool(ready) and sys.stdin.read(1) in ("q", "Q", "")


@contextmanager
def _single_keys(terminal: TextIO) -> Iterator[None]:
    """Keys arrive without Enter; the terminal is given back as it was."""
    before = termios.tcgetattr(terminal)
    tty.setcbreak(terminal)
    try:
        yield
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


@contextmanager
def _quiet_log() -> Iterator[None]:
    """Log lines would be written across the picture; the link's problem is shown in it."""
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
