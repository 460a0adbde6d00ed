"""The second composition root: the appliance's own stages with float nets, as a node or behind an HTTP server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from fastapi import FastAPI
from msgspec.structs import replace

from desktop_server import answer as parts
from desktop_server.answering import Answerer, Precision
from desktop_server.batching import BatchingNet, ManyAtOnce
from desktop_server.engine import Provider, float_engine
from desktop_server.http.api import make_api
from desktop_server.http.body import BodyLimits
from desktop_server.http.media_routes import Desk
from desktop_server.http.office import Office
from desktop_server.http.serve import serve_api
from desktop_server.lending import Lending
from desktop_server.media import MediaLimits
from desktop_server.perception import Perception
from desktop_server.settings import ServerSettings
from device.app import TFLITE, fusion_rule, load_models, make_fusion, run
from device.fusion.fuse import Fusion
from device.models.card import Card
from device.models.net import Engine, Net, OpenNet
from device.models.sets import ModelSet
from device.settings import Models, Settings

_ALWAYS_S = 3600.0
"""A single picture stands for the whole of a recording beside it."""


def run_node(settings: Settings, *, provider: Provider = "auto") -> None:
    """Be a node like any Pi, with this machine's camera and microphone, or recordings. Raises ``AffectdError``."""
    run(settings, float_engine(provider))


def serve(settings: ServerSettings) -> None:
    """Serve the web page and the API until a signal. Raises ``AffectdError``."""
    serve_api(build_api(settings), settings.server)


def build_api(settings: ServerSettings) -> FastAPI:
    """The HTTP application of the settings, for whatever serves it. Raises ``ConfigError`` or ``ModelError``."""
    engine = float_engine(settings.engine.provider, threads=settings.engine.threads)
    models = load_models(settings, engine)
    nets = {card.id: _batching(settings, models, card, engine.open_net) for card in (models.face, models.speech)}
    office = Office(workers=workers(settings), queue=settings.batching.queue)
    desk = Desk(
        answer=make_answerer(settings, engine, models, nets),
        office=office,
        body=BodyLimits(bytes=round(settings.limits.body_mib * 2**20), seconds=settings.server.body_s),
        rule=cast(parts.Rule, fusion_rule(settings, models)),
    )
    return make_api(desk, is_ready=lambda: office.inside < office.capacity, close=partial(_close, office, nets))


def make_answerer(
    settings: ServerSettings, engine: Engine, models: ModelSet, nets: Mapping[str, BatchingNet]
) -> Answerer:
    """What answers questions, with these shared float nets by their cards' ids."""

    def open_net(card: Card, folder: Path) -> Net:
        return nets[card.id] if card.id in nets else engine.open_net(card, folder)

    # `models.dir` names a folder of float files here; the appliance's own are where they are installed.
    int8_models = load_models(replace(settings, models=Models(set=settings.models.set)))
    limits = settings.limits
    return Answerer(
        full=_precision("float32", engine, models, workers(settings), open_net),
        int8=_precision("int8", TFLITE, int8_models, 1, TFLITE.open_net),
        fusions=SettingsFusions(settings, models),
        uncertain_below=settings.fusion.uncertain_below,
        limits=MediaLimits(pixels=round(limits.picture_mpx * 1e6), seconds=limits.media_s),
        rate_hz=settings.camera.rate_hz,
        work_s=limits.work_s,
    )


@dataclass(frozen=True, slots=True)
class SettingsFusions:
    """The fusions of the settings, by the rule that a request names."""

    settings: Settings
    models: ModelSet

    def once(self, rule: str) -> Fusion:
        """Nothing is smoothed or held."""
        return self._made(rule=rule, smooth_s=0.0, hold_s=0.0)

    def along(self, rule: str, *, face_lasts: bool) -> Fusion:
        """As on the appliance."""
        return self._made(rule=rule, **({"face_fresh_s": _ALWAYS_S} if face_lasts else {}))

    def _made(self, **changes: Any) -> Fusion:
        return make_fusion(replace(self.settings, fusion=replace(self.settings.fusion, **changes)), self.models)


def workers(settings: ServerSettings) -> int:
    """Requests that are worked on at once."""
    return settings.batching.workers or (os.cpu_count() or 1) + 1


def _precision(name: parts.Precision, engine: Engine, models: ModelSet, count: int, open_net: OpenNet) -> Precision:
    make: Callable[[], Perception] = partial(Perception, models, open_net)
    return Precision(name, engine.name(), models, Lending(make, count))


def _batching(settings: ServerSettings, models: ModelSet, card: Card, open_net: OpenNet) -> BatchingNet:
    chosen = settings.batching
    net = cast(ManyAtOnce, open_net(card, models.folder))
    return BatchingNet(net, size=chosen.size, wait_s=chosen.wait_ms / 1000, capacity=chosen.queue + workers(settings))


def _close(office: Office, nets: Mapping[str, BatchingNet]) -> None:
    office.close()
    for net in nets.values():
        net.close()
