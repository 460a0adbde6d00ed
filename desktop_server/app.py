"""The composition root of the server: settings become dependencies, and dependencies an HTTP application."""

from __future__ import annotations

from fastapi import FastAPI

from desktop_server.analysis.service import AnalysisService
from desktop_server.http.api import make_api
from desktop_server.http.deps import ServerDeps
from desktop_server.http.metrics import Metrics
from desktop_server.http.uvicorn_server import serve_api
from desktop_server.http.worker_pool import WorkerPool
from desktop_server.settings import ServerSettings, worker_count
from desktop_server.wiring import access, decoders, fleet, info, nets, variants
from device.app import run_appliance
from device.models.net import Engine
from device.monitoring.service import Notifier
from device.wiring.models import load_models


def run_node(settings: ServerSettings) -> None:
    """Be a node like any Pi, with this machine's camera and microphone, or recordings. Raises ``AffectdError``."""
    run_appliance(settings, nets.node_engine(settings))


def serve(settings: ServerSettings) -> None:
    """Serve the web page and the API until a signal. Raises ``AffectdError``."""
    notifier = Notifier()
    access.require_safe(settings)
    serve_api(build_api(settings), settings.server, notifier)


def build_api(settings: ServerSettings, engine: Engine | None = None) -> FastAPI:
    """The HTTP application of the settings, for whatever serves it. Raises ``ConfigError`` or ``ModelError``.

    ``engine`` none: the float nets run in this process.
    """
    return make_api(build_deps(settings, engine or nets.local_engine(settings)), access.make_access(settings))


def build_deps(settings: ServerSettings, engine: Engine) -> ServerDeps:
    """Everything that serves requests, nets loaded and processes started. Raises ``ConfigError`` or ``ModelError``."""
    pool = decoders.make_decoders(settings)  # they get ready while the nets are loaded
    metrics = Metrics()
    models = load_models(settings, engine)
    shared_nets = nets.open_nets(settings, models, engine, metrics)
    workers = WorkerPool(workers=worker_count(settings), queue=settings.batching.queue)
    full = variants.float_variant(settings, models, engine, shared_nets, workers.threads)
    int8 = variants.int8_variant(settings, workers.threads)
    fusions = variants.SettingsFusionFactory(settings, models)
    listener, shared = fleet.make_listener(settings), fleet.make_shared_subscription(settings, metrics)
    jobs = access.make_jobs(settings)
    pool.start_warm()
    info.describe_server(metrics, full, workers, jobs, engine)
    return ServerDeps(
        service=AnalysisService(full=full, int8=int8, fusions=fusions, decoders=pool, work_s=settings.limits.work_s),
        full=full,
        int8=int8,
        fusions=fusions,
        decoders=pool,
        nets=shared_nets,
        max_samples=settings.batching.size,
        workers=workers,
        bodies=access.make_bodies(settings),
        jobs=jobs,
        stream_slots=access.make_stream_slots(settings),
        stream_idle_s=settings.server.body_s,
        metrics=metrics,
        info=info.make_info(settings, full, int8, engine.problem),
        fleet=listener,
        background=[one for one in (jobs, listener, shared) if one is not None],
    )
