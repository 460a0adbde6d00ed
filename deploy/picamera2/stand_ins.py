"""What a Pi has and other machines have not, so that genuine picamera2 runs on libcamera's Virtual pipeline.

Importing this before picamera2 is enough (pytest: ``-p stand_ins``). All else is genuine: picamera2's configuration,
event loop, requests and arrays, libcamera's cameras and buffers. Made for picamera2 0.3.38 and libcamera 0.4.
"""

from __future__ import annotations

import mmap
import os
import sys
from typing import Any
from unittest.mock import MagicMock

# Drawing to a screen, writing DNG and video files: picamera2 imports these at once, and nothing here uses them.
for absent in ("pykms", "pidng", "pidng.camdefs", "pidng.core", "av", "prctl"):
    sys.modules[absent] = MagicMock()

import libcamera  # noqa: E402 - after the modules that must be found
import picamera2.picamera2 as library  # noqa: E402, TID251 - this prepares picamera2; no part of affectd imports it
from picamera2.allocators import Allocator  # noqa: E402, TID251


class MappedPicture:
    """A buffer's bytes while picamera2 looks at them; its own class for this refuses a picture of two planes."""

    def __init__(self, _allocator: Any, buffer: Any, _write: bool) -> None:
        self._planes = buffer.planes

    def __enter__(self) -> mmap.mmap:
        self._bytes = mmap.mmap(self._planes[0].fd, sum(plane.length for plane in self._planes))
        return self._bytes

    def __exit__(self, *exc: object) -> None:
        self._bytes.close()


class MemoryAllocator(Allocator):  # type: ignore[misc]  # picamera2 is not there where types are checked
    """Picture buffers in ordinary memory; a Pi's come from /dev/dma_heap."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = MappedPicture

    def allocate(self, libcamera_config: Any, _use_case: Any) -> None:
        """Buffers for each stream, in place of those of an earlier configuration."""
        self._buffers = {
            stream.stream: [_nv12_buffer(stream.frame_size) for _ in range(stream.buffer_count)]
            for stream in libcamera_config
        }

    def buffers(self, stream: Any) -> Any:
        """The buffers of one stream."""
        return self._buffers[stream]


def _nv12_buffer(size_bytes: int) -> Any:
    """One picture's buffer with its two planes, grey and colour: NV12 is all that the Virtual pipeline gives."""
    descriptor = os.memfd_create("picture")
    os.truncate(descriptor, size_bytes)
    grey, colour = libcamera.FrameBuffer.Plane(), libcamera.FrameBuffer.Plane()
    grey.fd = colour.fd = descriptor  # libcamera makes copies of it
    grey.offset, grey.length = 0, size_bytes * 2 // 3
    colour.offset, colour.length = grey.length, size_bytes - grey.length
    buffer = libcamera.FrameBuffer([grey, colour])
    os.close(descriptor)
    return buffer


def _video_modes(camera: Any) -> list[dict[str, Any]]:
    """What ``Picamera2._get_raw_modes`` gives: the Virtual pipeline has no raw stream, so its video sizes stand in."""
    formats = camera.camera.generate_configuration([libcamera.StreamRole.VideoRecording]).at(0).formats
    return [
        {"format": str(pixels), "size": (size.width, size.height)}
        for pixels in formats.pixel_formats
        for size in formats.sizes(pixels)
    ]


library.DmaAllocator = MemoryAllocator
library.Picamera2._get_raw_modes = _video_modes
