"""From settings to the float nets: an engine, and batching nets that all requests share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from desktop_server.http.metrics import Metrics
from desktop_server.inference.batching import BatchingNet, BatchNet
from desktop_server.inference.onnx import float_engine
from desktop_server.settings import ServerSettings, worker_count
from device.errors import ModelError
from device.models.card import Card
from device.models.net import Engine, Net, NetLoader
from device.models.sets import ModelSet


def local_engine(settings: ServerSettings) -> Engine:
    """The float nets in this process. Raises ``ConfigError``."""
    chosen = settings.engine
    return float_engine(chosen.provider, threads=chosen.threads, runtime=settings.models.runtime)


def node_engine(settings: ServerSettings) -> Engine:
    """The float nets of a node, each on one thread. Raises ``ConfigError``."""
    return float_engine(settings.engine.provider, runtime=settings.models.runtime)


def open_nets(settings: ServerSettings, models: ModelSet, engine: Engine, metrics: Metrics) -> dict[str, BatchingNet]:
    """The emotion nets by their cards' ids. Raises ``ModelError``."""
    return {card.id: _open_net(settings, models, card, engine, metrics) for card in models.models.values()}


def shared_loader(nets: Mapping[str, BatchingNet], engine: Engine) -> NetLoader:
    """Loads nets that are shared by all, and anew those that only one thread may use."""

    def load_net(card: Card, folder: Path) -> Net:
        return nets[card.id] if card.id in nets else engine.load_net(card, folder)

    return load_net


def _open_net(settings: ServerSettings, models: ModelSet, card: Card, engine: Engine, metrics: Metrics) -> BatchingNet:
    net, chosen = engine.load_net(card, models.folder), settings.batching
    if not isinstance(net, BatchNet):
        raise ModelError(f"model {card.id}: its file runs one sample at a time; the server needs a float net (.onnx)")
    return BatchingNet(
        net,
        size=chosen.size,
        wait_s=chosen.wait_ms / 1000,
        capacity=chosen.queue + worker_count(settings),
        observe=metrics.run_observer(card.id),
    )
