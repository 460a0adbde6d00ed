"""Server dependencies: what the routes work with, passed to each by FastAPI's ``Depends``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from desktop_server.analysis.decoding.pool import DecoderPool
from desktop_server.analysis.model_variant import FusionFactory, ModelVariant
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.analysis.service import AnalysisService
from desktop_server.fleet.listener import FleetListener
from desktop_server.http.background import Background
from desktop_server.http.body import BodyBudget
from desktop_server.http.job_store import JobStore
from desktop_server.http.metrics import Metrics
from desktop_server.http.stream_slots import StreamSlots
from desktop_server.http.worker_pool import WorkerPool
from desktop_server.inference.batching import BatchingNet
from desktop_server.schema import analysis as schema
from desktop_server.schema.server import ServerInfo


@dataclass(frozen=True, slots=True)
class ServerDeps:
    """Everything that serves requests, built once by the composition root.

    ``nets``: shared by all requests, by their cards' ids; ``max_samples``: of one inference request;
    ``stream_idle_s``: how long a live stream's client may send nothing.
    """

    service: AnalysisService
    full: ModelVariant
    int8: ModelVariant
    fusions: FusionFactory
    decoders: DecoderPool
    nets: Mapping[str, BatchingNet]
    max_samples: int
    workers: WorkerPool
    bodies: BodyBudget
    jobs: JobStore
    stream_slots: StreamSlots
    stream_idle_s: float
    metrics: Metrics
    info: ServerInfo
    fleet: FleetListener | None
    background: Sequence[Background]

    def analyze(self, request: AnalysisRequest) -> schema.AnalysisResponse:
        """The response, counted. Raises ``RequestError``."""
        response = self.service(request)
        self.metrics.count_analysis(response)
        return response

    def has_capacity(self) -> bool:
        """Whether a request would be accepted now."""
        return self.workers.in_flight < self.workers.capacity

    def close(self) -> None:
        """End its processes and threads."""
        self.decoders.close()
        self.workers.close()
        for net in self.nets.values():
            net.close()


async def server_deps(connection: HTTPConnection) -> ServerDeps:
    """The application's."""
    deps: ServerDeps = connection.app.state.deps
    return deps


Deps = Annotated[ServerDeps, Depends(server_deps)]
