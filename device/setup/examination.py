"""Examination of one node by the doctor: its configuration, and everything that this names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from device.appliance.self_test import require_clock
from device.config.settings import UNSTATED, CameraSettings, Settings, state_dir
from device.errors import AffectdError, SourceLost, SourceUnavailable
from device.models.runtime import runtime_name
from device.models.tflite import TfliteModel
from device.monitoring.findings import Finding, look
from device.monitoring.health import SystemProbe
from device.setup.access import held_by_the_appliance
from device.setup.broker_stages import broker_stages
from device.setup.camera_check import devices_of, first_view, shown
from device.setup.microphone_check import listen_to, microphone_devices
from device.setup.service_account import Service
from device.wiring.broker import broker_address, make_topics
from device.wiring.models import load_models

MIN_FREE_MB = 50
"""The event store's bound of 10,000 events is some 10 MB; logs and an update want the rest."""
LISTEN_S = 0.5


def examine_node(load: Callable[[], Settings], *, named: str, service: Service | None = None) -> Iterator[Finding]:
    """The findings, in the order in which one thing needs another; ``load`` reads the configuration so ``named``.

    ``service`` is who will run with it, if that is not who asks.
    """
    try:
        settings = load()
    except AffectdError as error:
        yield Finding("configuration", False, str(error))
        return
    yield Finding("configuration", True, named)
    yield look("purpose", lambda: _purpose(settings))
    yield look("runtime", lambda: runtime_name(settings.models.runtime))
    yield look("models", lambda: _models(settings))
    yield from sensors(settings)
    yield look("state folder", lambda: _state_folder(settings, service))
    yield from broker(settings)
    yield look("clock", require_clock)
    yield look("power", _power)


def sensors(settings: Settings) -> Iterator[Finding]:
    """Camera and microphone, as far as the settings use them."""
    if settings.node.mode != "speech" and not settings.replay.media:
        yield look("camera", lambda: _camera(settings.camera))
    if settings.node.mode != "face" and not settings.replay.media:
        yield look("microphone", lambda: _microphone(settings.microphone.name))


def broker(settings: Settings) -> Iterator[Finding]:
    """The broker, stage by stage."""
    try:
        address, topics = broker_address(settings), make_topics(settings)
    except AffectdError as error:
        yield Finding("broker", False, str(error))
        return
    yield from broker_stages(address, topics)


def _purpose(settings: Settings) -> str:
    if settings.node.purpose == UNSTATED:
        raise AffectdError("not stated, so camera and microphone stay closed; run: sudo affectd setup")
    return settings.node.purpose or "not stated; `affectd setup` asks for it"


def _models(settings: Settings) -> str:
    models = load_models(settings)
    for card in models.cards:
        TfliteModel(card, models.folder, runtime=settings.models.runtime)
    return f"set {models.name}, all hashes right"


def _camera(camera: CameraSettings) -> str:
    try:
        return f"{shown(camera.source)} gives {first_view(camera)}"
    except (SourceUnavailable, SourceLost):
        if note := held_by_the_appliance(devices_of(camera.source)):
            return note
        raise


def _microphone(name: str) -> str:
    try:
        *_, level = listen_to(name, LISTEN_S)
    except (SourceUnavailable, SourceLost):
        if note := held_by_the_appliance(microphone_devices()):
            return note
        raise
    return f"{name or 'the default one'!r} gives sound, {level}"


def _state_folder(settings: Settings, service: Service | None) -> str:
    is_stated = settings.node.state_dir or "STATE_DIRECTORY" in os.environ
    folder = state_dir(settings) if service is None or is_stated else service.state_dir
    place = next(path for path in (folder, *folder.parents) if path.exists())
    if os.statvfs(place).f_flag & os.ST_RDONLY:
        raise AffectdError(f"{folder} is on a file system that is read-only; is the card worn out? See `dmesg`")
    made_by_systemd = service is not None and folder == service.state_dir and place != folder
    may_write = service.may_write(place) if service else os.access(place, os.W_OK)
    if not (may_write or made_by_systemd):
        raise AffectdError(f"no permission to write to {folder}; {_way_in(folder, service)}")
    statistics = os.statvfs(place)
    free_mb = statistics.f_bavail * statistics.f_frsize / 1e6
    if free_mb < MIN_FREE_MB:
        raise AffectdError(
            f"the disk is full: {free_mb:.0f} MB are free for {folder}, {MIN_FREE_MB} are needed; "
            "sudo journalctl --vacuum-size=50M and sudo apt clean free some"
        )
    return f"{folder}, {free_mb:.0f} MB free"


def _way_in(folder: Path, service: Service | None) -> str:
    if service is None:
        return "run doctor as the user that runs affectd, or give it that folder"
    if service.is_us or os.geteuid() == 0:
        return f"it is the service's: sudo chown -R {service.user}: {folder}"
    return f"only the service's user {service.user!r} may: run sudo affectd doctor"


def _power() -> str:
    system = SystemProbe().read()
    if system.undervoltage_now or system.undervoltage_occurred:
        when = "is" if system.undervoltage_now else "was since the start"
        raise AffectdError(f"the supply's voltage {when} too low; use the official 5.1 V, 3 A supply and its own cable")
    return "no undervoltage seen" if system.undervoltage_now is not None else "unknown on this machine"
