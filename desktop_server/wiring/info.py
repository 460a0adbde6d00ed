"""From settings and model variants to what ``/v1/server`` and ``/metrics`` have of the server itself."""

from __future__ import annotations

from importlib.metadata import version

from desktop_server.analysis.model_variant import ModelVariant
from desktop_server.http.job_store import JobStore
from desktop_server.http.metrics import Metrics
from desktop_server.http.worker_pool import WorkerPool
from desktop_server.schema.server import EmotionInfo, RequestLimits, ServerInfo
from desktop_server.settings import ServerSettings, streams_per_client
from device.fusion.circumplex import COORDINATES
from device.models.net import Engine
from device.readings import EMOTIONS
from device.wiring.fusion import fusion_rule


def make_info(settings: ServerSettings, full: ModelVariant, int8: ModelVariant, gpu_warning: str) -> ServerInfo:
    """Models, emotions, rules, limits. Raises ``ModelError`` for a model set whose rule is not known here."""
    limits = settings.limits
    return ServerInfo(
        version=version("affectd"),
        models=full.info("both"),
        int8=int8.info("both"),
        fusion=fusion_rule(settings, full.models),
        emotions=[EmotionInfo(name=e, valence=COORDINATES[e][0], arousal=COORDINATES[e][1]) for e in EMOTIONS],
        limits=RequestLimits(
            body_mib=limits.body_mib,
            picture_mpx=limits.picture_mpx,
            media_s=limits.media_s,
            streams=limits.streams,
            jobs=limits.jobs,
            job_mib=limits.job_mib,
            job_media_s=limits.job_media_s,
            streams_per_client=streams_per_client(limits),
        ),
        gpu_problem=gpu_warning or None,
    )


def describe_server(metrics: Metrics, full: ModelVariant, workers: WorkerPool, jobs: JobStore, engine: Engine) -> None:
    """The metrics of the server itself: its build, whether a GPU failed to start, and requests in flight."""
    metrics.set_build(full.info_of(frozenset()))
    metrics.add_gauge(
        "affectd_gpu_fallback",
        "1 where a GPU does not start and the processor runs the nets.",
        lambda: float(bool(engine.problem)),
    )
    metrics.add_gauge("affectd_requests_inside", "Requests being answered or waiting.", lambda: workers.in_flight)
    metrics.add_gauge("affectd_jobs", "Jobs that wait, are worked on or hold an answer.", lambda: jobs.count)
