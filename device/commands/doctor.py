"""``affectd doctor``: everything the appliance needs, looked at one after the other, each fault with its remedy."""

from __future__ import annotations

import argparse
import os
import platform
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from device.app import broker_address, load_models, make_link, open_camera
from device.capture.microphone import Microphone
from device.commands.configuration import chosen_settings
from device.errors import AffectdError
from device.health import SystemProbe
from device.models.runtime import runtime_name
from device.models.tflite import TfliteModel
from device.publish.wall_clock import clock_synced
from device.settings import Settings, state_dir

BROKER_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``note`` says what was found or, where it is not ``ok``, what is wrong and the remedy."""

    subject: str
    ok: bool
    note: str


def run(options: argparse.Namespace) -> int:
    """Print the findings; the exit code is 1 if one is not ok."""
    findings = []
    for finding in examine(options.config):
        findings.append(finding)
        print(f"{'ok  ' if finding.ok else 'FAIL'}  {finding.subject:<14}{finding.note}", flush=True)
    faults = sum(not finding.ok for finding in findings)
    print(f"{faults} of {len(findings)} need attention" if faults else "everything affectd needs is there")
    return 1 if faults else 0


def examine(config: Path | None) -> Iterator[Finding]:
    """The findings, in the order in which one thing needs another."""
    yield _look("python", _python)
    yield _look("runtime", runtime_name)
    try:
        settings = chosen_settings(config)
    except AffectdError as error:
        yield Finding("configuration", False, str(error))
        return
    yield Finding("configuration", True, str(config or "defaults"))
    yield from _examine_node(settings)


def _examine_node(settings: Settings) -> Iterator[Finding]:
    yield _look("models", lambda: _models(settings))
    if settings.node.mode != "speech" and not settings.replay.media:
        yield _look("camera", lambda: _camera(settings))
    if settings.node.mode != "face" and not settings.replay.media:
        yield _look("microphone", lambda: _microphone(settings))
    yield _look("state folder", lambda: _state_folder(settings))
    yield _look("broker", lambda: _broker(settings))
    yield _look("clock", _clock)
    yield _look("power", _power)


def _look(subject: str, examine_it: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, True, examine_it())
    except AffectdError as error:
        return Finding(subject, False, str(error))


def _python() -> str:
    if sys.version_info < (3, 11) or sys.maxsize < 2**32:
        raise AffectdError(
            f"Python {platform.python_version()}, 64-bit 3.11 or newer is needed; install a 64-bit system"
        )
    return f"{platform.python_version()} on {platform.machine()}"


def _models(settings: Settings) -> str:
    models = load_models(settings)
    for card in models.cards:
        TfliteModel(card, models.folder)
    return f"set {models.name}, all hashes right"


def _camera(settings: Settings) -> str:
    with open_camera(settings.camera) as camera:
        frame = next(iter(camera))
    height, width = frame.grey.shape
    return f"{settings.camera.source!r} gives {width}×{height}, mean brightness {frame.grey.mean():.0f} of 255"


def _microphone(settings: Settings) -> str:
    with Microphone(name=settings.microphone.name) as microphone:
        block = next(iter(microphone))
        name = microphone.device_name
    return f"{name!r} gives sound" + ("" if block.samples.any() else ", so far only zeros: is it muted?")


def _state_folder(settings: Settings) -> str:
    folder = state_dir(settings)
    place = folder if folder.exists() else folder.parent
    if folder.exists() and not os.access(folder, os.W_OK):
        raise AffectdError(
            f"{folder} is not writable; run doctor as the user that runs affectd, or give it that folder"
        )
    statistics = os.statvfs(place if place.exists() else Path("/"))
    free_mb = statistics.f_bavail * statistics.f_frsize / 1e6
    if free_mb < 50:
        raise AffectdError(f"{folder}: only {free_mb:.0f} MB free; clear the disk")
    return f"{folder}, {free_mb:.0f} MB free"


def _broker(settings: Settings) -> str:
    address = broker_address(settings)
    link = make_link(settings, client_id=f"affectd-doctor-{os.getpid()}")
    try:
        socket.create_connection((address.host, address.port), BROKER_TIMEOUT_S).close()
    except OSError as error:
        raise AffectdError(f"{address} cannot be reached ({error}); is the broker running, mqtt.host right?") from error
    link.open()
    try:
        if not link.connections.take(BROKER_TIMEOUT_S):
            why = link.problem or "it says nothing"
            raise AffectdError(f"{address} does not let us in ({why}); check mqtt.username, its password and TLS")
    finally:
        link.close()
    return f"{address} lets us in"


def _clock() -> str:
    if clock_synced() is False:
        raise AffectdError(
            "not set by a time server; times in messages are wrong until it is: timedatectl set-ntp true"
        )
    return "set"


def _power() -> str:
    system = SystemProbe().read()
    if system.undervoltage_now or system.undervoltage_occurred:
        raise AffectdError("the supply's voltage is or was too low; use the official 5.1 V, 3 A supply")
    return "no undervoltage seen" if system.undervoltage_now is not None else "unknown on this machine"
