"""Playlist of a replay: clips one after the other, each a film, a sound, a picture or a folder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from device.capture.container import Contents, contents
from device.capture.kinds import kind_of_file
from device.capture.pictures import has_picture_name, pictures_in, read_picture
from device.errors import MediaError
from device.readings import NS_PER_S

PICTURES_RATE_HZ = 10.0
"""How fast a folder's pictures follow each other: the appliance's own rate."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One of the media: either ``pictures`` shown at ``rate_hz``, or a file with film, sound or both."""

    path: Path
    holds: Contents
    pictures: tuple[Path, ...] = ()
    rate_hz: float = PICTURES_RATE_HZ

    @property
    def has_picture(self) -> bool:
        """Something to see."""
        return self.holds.picture_start_ns is not None

    @property
    def has_sound(self) -> bool:
        """Something to hear."""
        return self.holds.has_sound


@dataclass(frozen=True, slots=True)
class ScenePart:
    """A clip and when it starts in its scene."""

    start_ns: int
    clip: Clip

    @property
    def end_ns(self) -> int:
        """When the longer of its film and its sound ends."""
        return self.start_ns + self.clip.holds.length_ns


def open_clip(path: Path, *, pictures_rate_hz: float = PICTURES_RATE_HZ) -> Clip:
    """Look what a file or a folder of pictures holds. Raises ``MediaError`` if it is nothing that can be played."""
    try:
        if path.is_dir():
            return _shown(path, pictures_in(path), pictures_rate_hz)
        if path.stat().st_size == 0:
            raise MediaError(f"{path}: the file is empty (0 bytes); copy or record it again")
        is_picture = bool(kind_of_file(path))
    except OSError as error:
        raise MediaError(f"{path}: cannot be read ({error.strerror}); check the name and its permissions") from error
    if is_picture:
        read_picture(path)
        return _shown(path, (path,), pictures_rate_hz)
    return Clip(path, _contents(path))


def _contents(path: Path) -> Contents:
    try:
        return contents(path)
    except MediaError:
        if has_picture_name(path):
            read_picture(path)  # what is wrong with it as a picture
        raise


def _shown(path: Path, pictures: tuple[Path, ...], rate_hz: float) -> Clip:
    length_ns = round(len(pictures) * NS_PER_S / rate_hz)
    return Clip(path, Contents(picture_start_ns=0, has_sound=False, length_ns=length_ns), pictures, rate_hz)


def in_a_row(clips: Sequence[Clip], pause_s: float) -> list[ScenePart]:
    """Each clip after the one before, with a pause between."""
    parts: list[ScenePart] = []
    start_ns = 0
    for clip in clips:
        parts.append(ScenePart(start_ns, clip))
        start_ns = parts[-1].end_ns + round(pause_s * NS_PER_S)
    return parts


def soundtrack(path: Path) -> ScenePart:
    """A file whose sound is heard from the scene's start on. Raises ``MediaError`` if it has none."""
    clip = open_clip(path)
    if not clip.has_sound:
        raise MediaError(f"{path}: has no sound to use as the scene's; name a sound file or a film with sound")
    return ScenePart(0, clip)
