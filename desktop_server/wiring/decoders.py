"""From settings to the decoder pool: what a file may hold, and what decoding it may take."""

from __future__ import annotations

from desktop_server.analysis.decoding.media import MediaLimits
from desktop_server.analysis.decoding.pool import DecoderPool
from desktop_server.analysis.decoding.worker import ResourceLimits
from desktop_server.settings import ServerSettings, worker_count

_WAIT_FACTOR = 3.0
"""A decoder's time by the clock, as a multiple of the processor's that it may take: others work, too."""


def make_decoders(settings: ServerSettings) -> DecoderPool:
    """A pool with one process for each worker, which begins to load what they need."""
    limits = settings.limits
    return DecoderPool(
        MediaLimits(pixels=round(limits.picture_mpx * 1e6), seconds=limits.media_s),
        ResourceLimits(memory_bytes=round(limits.decode_mib * 2**20), cpu_s=limits.decode_s),
        warm=worker_count(settings),
        wait_s=_WAIT_FACTOR * limits.decode_s,
        rate_hz=settings.camera.rate_hz,
    )
