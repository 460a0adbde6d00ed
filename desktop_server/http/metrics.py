"""Metrics: what Prometheus reads at ``/metrics``."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from desktop_server.schema import analysis as schema

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_OTHER = "other"
"""Where no route was reached: an address that anybody may make up is no label."""


class Metrics:
    """The server's counters, by the names of the project's contract: prefix ``affectd_``, base units."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second line for each, which nobody reads
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._build = Info("affectd_build", "What runs.", registry=self.registry)
        self._requests = Counter(
            "affectd_http_requests", "Requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self._durations = Histogram(
            "affectd_http_request_duration_seconds", "Of requests.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self._stages = Histogram(
            "affectd_inference_duration_seconds",
            "Runs of a net, and the stages of a request.",
            ["model", "stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batches = Histogram(
            "affectd_batch_samples", "Samples of a net's run.", ["model"], buckets=_SIZES, registry=self.registry
        )
        self._estimates = Counter("affectd_estimates", "Estimates told.", ["modality", "label"], registry=self.registry)
        self._refused = Counter("affectd_refused", "Requests refused.", ["reason"], registry=self.registry)

    def set_build(self, models: schema.Models) -> None:
        """What runs: versions, model set, provider."""
        self._build.info({"version": version("affectd"), "runtime": models.runtime, "model_set": models.model_set})

    def add_gauge(self, name: str, about: str, value: Callable[[], float]) -> None:
        """A gauge that is read when it is asked for."""
        Gauge(name, about, registry=self.registry).set_function(value)

    def run_observer(self, model: str) -> Callable[[int, float], None]:
        """What each run of a model is to be reported to: samples and seconds."""
        stage, batch = self._stages.labels(model, "net"), self._batches.labels(model)

        def observe(samples: int, seconds: float) -> None:
            stage.observe(seconds)
            batch.observe(samples)

        return observe

    def count_analysis(self, response: schema.AnalysisResponse) -> None:
        """Count an analysis and its stages."""
        self._estimates.labels("+".join(response.modalities_used) or "none", response.estimate.label).inc()
        for stage, milliseconds in response.timings_ms.model_dump().items():
            if milliseconds is not None:
                self._stages.labels(response.mode, stage).observe(milliseconds / 1000)

    def count_refusal(self, reason: str) -> None:
        """Count a refusal."""
        self._refused.labels(reason).inc()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, method, str(status)).inc()
        self._durations.labels(route).observe(seconds)

    def exposition(self) -> Response:
        """The text that Prometheus reads."""
        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


class CountRequests:
    """Counts what goes through it."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As every ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start_s, status = time.perf_counter(), 500

        async def send_and_count(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_count)
        finally:
            route = getattr(scope.get("route"), "path", _OTHER)
            method = scope["method"] if scope["method"] in _METHODS else _OTHER
            self._metrics.count_request(route, method, status, time.perf_counter() - start_s)


_METHODS = frozenset(["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH"])
