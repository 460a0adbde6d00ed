"""A USB camera without hardware: OpenCV's own V4L2 capture on a device that ``virtual_camera.c`` answers for.

Run as a program where that library is loaded, this reads COUNT frames of DEVICE into FRAMES.npz.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from faults import preloadable

from device.capture.camera_v4l2 import CameraV4l2
from device.errors import SourceLost


@dataclass(frozen=True)
class UsbCamera:
    """``device`` is its path; only where the ``environment`` holds does it answer as a camera."""

    device: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Seen:
    frames: list[np.ndarray[Any, Any]]
    dropped: int
    lost: str


def usb_camera(folder: Path, pixel_format: str, size_px: tuple[int, int], pictures: Sequence[bytes]) -> UsbCamera:
    """A camera with this one format, that sends these pictures over and over."""
    device, sent = folder / "video9", folder / "pictures"
    device.touch()
    sent.write_bytes(b"".join(struct.pack("<I", len(picture)) + picture for picture in pictures))
    return UsbCamera(
        device,
        {
            "LD_PRELOAD": str(preloadable(folder, "virtual_camera.c")),
            "AFFECTD_CAMERA_FORMAT": pixel_format,
            "AFFECTD_CAMERA_SIZE": "{}x{}".format(*size_px),
            "AFFECTD_CAMERA_PICTURES": str(sent),
        },
    )


def seen_by(camera: UsbCamera, count: int) -> Seen:
    """So many frames of it, or those until it was lost, as the appliance's source gives them."""
    frames = camera.device.with_name("frames.npz")
    subprocess.run(
        [sys.executable, __file__, str(camera.device), str(frames), str(count)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **camera.environment},
        check=True,
        timeout=60,
    )
    with np.load(frames) as read:
        return Seen([read[f"arr_{n}"] for n in range(int(read["count"]))], int(read["dropped"]), str(read["lost"]))


def _read(device: str, frames_npz: str, count: str) -> None:
    frames, lost = [], ""
    with CameraV4l2(device=device, read_timeout_s=0.5) as source:
        try:
            for frame in source:
                frames.append(frame.grey)
                if len(frames) == int(count):
                    break
        except SourceLost as error:
            lost = str(error)
        np.savez(frames_npz, *frames, count=len(frames), dropped=source.dropped, lost=lost)


if __name__ == "__main__":
    _read(*sys.argv[1:])
