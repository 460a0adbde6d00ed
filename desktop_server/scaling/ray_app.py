"""The same application on Ray Serve: fronts that read media, and nets that batch the samples of all fronts.

A front is the whole application of ``app.build_api``; only its float nets are elsewhere, in replicas that may have a
GPU. Serve starts more of either when more is asked. Ray itself is open to whoever can reach its ports and has its
token: run it in a network of your own (``docs/scaling.md``).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
import ray
from fastapi import FastAPI
from msgspec.structs import replace
from ray import serve
from ray.exceptions import RayActorError
from ray.serve.exceptions import BackPressureError
from ray.serve.handle import DeploymentHandle

from desktop_server.app import build_api
from desktop_server.http.uvicorn_server import listening
from desktop_server.inference.batching import RETRY_AFTER_S, Outputs, concatenated
from desktop_server.inference.onnx import ONNX_SUFFIX, OnnxNet, float_engine, float_models_folder
from desktop_server.scaling.ray_cluster import joined_ray, own_ray
from desktop_server.schema.problems import RequestError
from desktop_server.settings import Server, ServerSettings, worker_count
from desktop_server.wiring.access import require_safe
from device.arrays import FloatArray
from device.errors import AffectdError, ConfigError
from device.models.card import Card
from device.models.net import Engine, Net, one_sample
from device.models.tflite import TfliteModel
from device.readings import Modality
from device.wiring.models import load_models

APP = "affectd"
FRONT = "front"

_NetKind = Literal["face", "speech"]

_KINDS: tuple[_NetKind, ...] = ("face", "speech")
_LOGGING: dict[str, Any] = {"enable_access_log": False, "log_level": "WARNING"}  # clients' addresses are not logged

_MIN_WAIT_MS = 2.0
"""Serve closes a batch when its wait is over, even if a run is still under way: without any each would be of one."""

_ANSWERS_S = 10.0

_FRONTS_A_NET = 4.0
"""A front has one batch under way at a net; a net replica may serve so many fronts before there is one more."""


class NetReplica:
    """One float net. What several fronts ask at about the same time is one run of it."""

    def __init__(self, settings: ServerSettings, kind: _NetKind) -> None:
        engine = float_engine(settings.engine.provider, threads=settings.engine.threads)
        models = load_models(settings, engine)
        self._runtime, self._problem = engine.name(), engine.problem
        self._net = OnnxNet(
            models.card(Modality(kind)),
            models.folder,
            provider=settings.engine.provider,
            threads=settings.engine.threads,
        )
        run: Any = self.run
        run.set_max_batch_size(settings.batching.size)
        run.set_batch_wait_timeout_s(max(settings.batching.wait_ms, _MIN_WAIT_MS) / 1000)

    def runtime(self) -> tuple[str, str]:
        """The runtime with the provider in use; and why that is not the GPU, or nothing."""
        return self._runtime, self._problem

    @serve.batch(batch_size_fn=lambda calls: sum(len(call[0]) for call in calls))  # type: ignore[untyped-decorator]  # ray: untyped
    async def run(self, calls: list[tuple[FloatArray, ...]]) -> list[Outputs]:
        """Each call is one float32 (n, …) an input, to one an output."""
        outputs = await asyncio.to_thread(self._net.batch, *concatenated(calls))  # the next are gathered meanwhile
        return shares(outputs, [len(call[0]) for call in calls])


class RemoteNet:
    """A ``Net`` that lives in other replicas. Its caller's thread waits.

    Raises ``RequestError`` (``busy``) while too many wait for it, or where it went away in the middle.
    """

    def __init__(self, card: Card, replicas: DeploymentHandle[Any]) -> None:
        self.card = card
        self._replicas = replicas

    def __call__(self, *values: FloatArray) -> Outputs:
        """Run the net once, on one sample."""
        return tuple(output[0] for output in self.batch(*one_sample(self.card, values)))

    def batch(self, *values: FloatArray) -> Outputs:
        """Run the net once, on many samples: one float32 (n, …) an input to one an output.

        No more than a replica takes at once, ``batching.size``; the front's ``BatchingNet`` sees to it.
        """
        try:
            outputs: Outputs = self._replicas.run.remote(values).result()
        except (BackPressureError, RayActorError) as error:
            raise RequestError(
                "busy", "the nets have too much to do, or start again; try again later", retry_after_s=RETRY_AFTER_S
            ) from error
        return outputs


@contextmanager
def serving(settings: ServerSettings, *, cluster: str = "") -> Iterator[None]:
    """Serve while it is open, in a Ray of this machine's own or in the ``cluster`` at that address.

    Raises ``ConfigError``, and ``AffectdError`` where another program has the port.
    """
    require_safe(settings)
    if not cluster:
        listening(settings.server).close()  # Ray would share a port that is taken with who has it
    with joined_ray(cluster) if cluster else own_ray(settings.scale_out.cpus):
        serve.start(proxy_location="EveryNode", http_options=_http_options(settings), logging_config=_LOGGING)
        _require_not_served(cluster)
        try:
            serve.run(application(settings), name=APP, route_prefix="/", logging_config=_LOGGING)
            _require_served(settings.server)
            yield
        finally:
            serve.delete(APP)


def application(settings: ServerSettings) -> serve.Application:
    """Fronts and nets, as Serve deploys them."""

    alone = replace(settings, limits=replace(settings.limits, jobs=0))  # a front does not know another's jobs

    def build() -> FastAPI:  # in each front
        return build_api(alone, remote_engine(settings.models.runtime))

    chosen, capacity = settings.scale_out, worker_count(settings) + settings.batching.queue
    nets = [_net_deployment(settings, kind).bind(settings, kind) for kind in _KINDS]
    front = serve.deployment(
        name=FRONT,
        autoscaling_config=_autoscaling(chosen.most_fronts, worker_count(settings), settings),
        # The application itself refuses what is too much, in its own words; what is beyond even that, Serve does.
        max_ongoing_requests=2 * capacity,
        max_queued_requests=capacity,
        backpressure_config={"retry_after_s": RETRY_AFTER_S},
        ray_actor_options={"num_cpus": 1},
        logging_config=_LOGGING,
    )(serve.ingress(build)())
    return front.bind(*nets)


def remote_engine(runtime: str = "") -> Engine:
    """The engine of a front: float nets run in their replicas, the detector runs here, in this TFLite runtime."""
    replicas = {kind: serve.get_deployment_handle(kind, APP) for kind in _KINDS}
    theirs, problem = _runtime_of(replicas["face"])

    def load_net(card: Card, folder: Path) -> Net:
        if card.file.endswith(ONNX_SUFFIX):
            return RemoteNet(card, replicas[_kind(card)])
        return TfliteModel(card, folder, runtime=runtime)

    name = f"{theirs} by ray {ray.__version__}"
    return Engine(name=lambda: name, folder=float_models_folder, load_net=load_net, problem=problem)


def shares(outputs: Outputs, counts: Sequence[int]) -> list[Outputs]:
    """The outputs of one run, each float32 (n, …), to the calls that had so many samples, in their order."""
    ends = np.cumsum(counts)[:-1]
    return list(zip(*(np.split(output, ends) for output in outputs), strict=True))


def _net_deployment(settings: ServerSettings, kind: _NetKind) -> serve.Deployment:
    on_gpu = settings.engine.provider in ("cuda", "tensorrt")
    return serve.deployment(
        name=kind,
        autoscaling_config=_autoscaling(settings.scale_out.most_nets, _FRONTS_A_NET, settings),
        max_ongoing_requests=settings.batching.size * 2,
        max_queued_requests=settings.batching.queue,
        # Both nets fit on one GPU. Ray hides the GPUs from who asks for none.
        ray_actor_options={"num_cpus": 0.5, "num_gpus": 0.5 if on_gpu else 0},
        logging_config=_LOGGING,
    )(NetReplica)


def _autoscaling(most: int, ongoing: float, settings: ServerSettings) -> dict[str, Any]:
    return {
        "min_replicas": 1,
        "max_replicas": most,
        "target_ongoing_requests": ongoing,
        "upscale_delay_s": settings.scale_out.grow_after_s,
        "downscale_delay_s": settings.scale_out.shrink_after_s,
        "metrics_interval_s": settings.scale_out.grow_after_s / 4,
        "look_back_period_s": settings.scale_out.grow_after_s,
    }


def _http_options(settings: ServerSettings) -> dict[str, Any]:
    server = settings.server
    return {
        "host": server.host,
        "port": server.port,
        "keep_alive_timeout_s": round(server.idle_s),
        "request_timeout_s": _body_s(settings) + settings.limits.work_s,
        "ssl_certfile": server.cert_file or None,
        "ssl_keyfile": server.key_file or None,
    }


def _require_not_served(cluster: str) -> None:
    """Who starts it a second time would take it over, and end it for both."""
    if APP in serve.status().applications:
        raise ConfigError(f"--cluster {cluster}: affectd is already served there; end that one first")


def _require_served(server: Server) -> None:
    """A Serve that somebody else started keeps its own address, whatever options come later."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(server.host, server.host)
    try:
        socket.create_connection((host, server.port), _ANSWERS_S).close()
    except OSError as error:
        raise AffectdError(
            f"Ray Serve does not listen on {server.host} port {server.port} ({error}); if it was started with another "
            "address, end it: serve shutdown"
        ) from error


def _body_s(settings: ServerSettings) -> float:
    """The most that a body may take to come."""
    return settings.server.body_s + settings.limits.body_mib * 2**20 / (1000 * settings.server.body_kb_s)


def _runtime_of(replicas: DeploymentHandle[Any]) -> tuple[str, str]:
    """The nets' runtime and warning. A front is built in an event loop, in which an answer cannot be waited for."""
    with ThreadPoolExecutor(1) as pool:
        name, problem = pool.submit(replicas.runtime.remote().result).result()
    return str(name), str(problem)


def _kind(card: Card) -> _NetKind:
    return "face" if card.kind == "face" else "speech"
