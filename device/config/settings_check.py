"""Cross-field validation of the configuration: keys that contradict each other, or that have no effect."""

from __future__ import annotations

from collections.abc import Iterator

from device.config.host_name import host_problem
from device.config.settings import Settings

_CONTROL = frozenset(map(chr, (*range(32), 127)))
_KERNEL_FOLDERS = ("/proc/", "/sys/")
_CAMERA_SCHEMES = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "rtp", "srt", "tcp", "udp")


def contradictions(settings: Settings) -> Iterator[str]:
    """One line for each: the key, what is wrong, the remedy."""
    yield from _text_that_is_none(settings)
    mqtt, replay = settings.mqtt, settings.replay
    if problem := host_problem(mqtt.host):
        yield problem
    for key in ("ca_file", "cert_file", "key_file"):
        if getattr(mqtt, key) and not mqtt.tls:
            yield f"mqtt.{key} = {getattr(mqtt, key)!r}: of no use without TLS; set mqtt.tls = true or remove it"
    if mqtt.password_file and not mqtt.username:
        yield f"mqtt.password_file = {mqtt.password_file!r}: a password without a user name; set mqtt.username"
    if replay.audio and not replay.media:
        yield f"replay.audio = {replay.audio!r}: it replaces the sound of replay.media, which is empty; name it there"
    if replay.loop and not replay.media:
        yield "replay.loop = true: there is nothing to repeat; set replay.media or remove it"
    yield from _camera_address(settings.camera.source)


def _text_that_is_none(settings: Settings) -> Iterator[str]:
    """Text of blanks alone, or with a control character, which no file, device or broker is called by."""
    for table in settings.__struct_fields__:
        section = getattr(settings, table)
        for key in section.__struct_fields__:
            value = getattr(section, key)
            for text in value if isinstance(value, list | tuple) else [value]:
                if isinstance(text, str) and text and (text.isspace() or not _CONTROL.isdisjoint(text)):
                    yield f"{table}.{key}: it is nothing but blanks, or has a control character; write it anew"


def _camera_address(source: str) -> Iterator[str]:
    if source.startswith(_KERNEL_FOLDERS):
        yield f"camera.source = {source!r}: no camera is there; `affectd devices` lists those that are"
    scheme, separator, _ = source.partition("://")
    if separator and scheme.casefold() not in _CAMERA_SCHEMES:
        known = ", ".join(_CAMERA_SCHEMES)
        yield f"camera.source: its address begins with {scheme!r}, which is no way to a camera; known are {known}"
