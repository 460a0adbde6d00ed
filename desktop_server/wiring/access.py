"""From settings to who may ask, and how much: tokens, rate limit, request bodies, live streams."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from desktop_server.http.access import AccessPolicy, RateLimit, is_loopback
from desktop_server.http.body import BodyBudget, BodyLimits
from desktop_server.http.job_store import JobLimits, JobStore
from desktop_server.http.stream_slots import StreamSlots
from desktop_server.http.tokens import Tokens
from desktop_server.http.uvicorn_server import require_usable_tls
from desktop_server.settings import DEFAULT_RATE_HZ, ServerSettings, streams_per_client
from device.config.settings import state_dir
from device.errors import ConfigError


def require_safe(settings: ServerSettings) -> None:
    """Raises ``ConfigError`` for an address that others can reach while there is no token, or TLS that cannot work."""
    server = settings.server
    if not is_loopback(server.host) and not Tokens(token_path(settings)).known():
        raise ConfigError(
            f"server.host = {server.host!r}: others can reach this address, and there is no token; "
            "run: affectd-server token create NAME"
        )
    require_usable_tls(server)


def token_path(settings: ServerSettings) -> Path:
    """Where the tokens' hashes are kept."""
    chosen = settings.server.token_file
    return Path(chosen) if chosen else state_dir(settings) / "tokens.json"


def make_access(settings: ServerSettings) -> AccessPolicy:
    """The policy of the settings. Raises ``ConfigError`` for a file of tokens that is not safe."""
    server = settings.server
    return AccessPolicy(
        Tokens(token_path(settings)),
        RateLimit(rate_hz=server.rate_hz or DEFAULT_RATE_HZ, burst=server.burst),
        is_public=not is_loopback(server.host),
        limits_all=server.rate_hz is not None,
    )


def make_stream_slots(settings: ServerSettings) -> StreamSlots:
    """The live streams that may be open."""
    limits = settings.limits
    return StreamSlots(count=limits.streams, per_client=streams_per_client(limits))


def make_jobs(settings: ServerSettings) -> JobStore:
    """Work that outlives its request, with memory of its own: jobs that wait must not keep pictures out."""
    limits = settings.limits
    bodies = make_bodies(settings).limits
    job_bytes = round(limits.job_mib * 2**20)
    return JobStore(
        JobLimits(
            count=limits.jobs,
            per_client=max(1, limits.jobs // 2),
            answers_bytes=round(limits.answers_mib * 2**20),
            kept_s=limits.job_kept_s,
            work_s=limits.job_work_s,
            media_s=limits.job_media_s,
        ),
        BodyBudget(replace(bodies, bytes=job_bytes, total_bytes=max(job_bytes, bodies.total_bytes))),
    )


def make_bodies(settings: ServerSettings) -> BodyBudget:
    """The memory and the time that requests' bodies may take."""
    limits, server = settings.limits, settings.server
    return BodyBudget(
        BodyLimits(
            bytes=round(limits.body_mib * 2**20),
            pause_s=server.body_s,
            min_bytes_per_s=1000 * server.body_kb_s,
            total_bytes=round(limits.bodies_mib * 2**20),
        )
    )
