"""The second composition root: the appliance's own stages with float nets, as a node or behind an HTTP server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter, FastAPI
from msgspec.structs import replace

from desktop_server import answer as parts
from desktop_server.answering import Answerer, Precision, Question
from desktop_server.batching import BatchingNet, ManyAtOnce
from desktop_server.decoding.pool import Decoders
from desktop_server.decoding.worker import Allowance
from desktop_server.engine import float_engine
from desktop_server.fleet import Fleet
from desktop_server.http.about import About, Bounds, about_routes
from desktop_server.http.access import RateLimit, is_loopback
from desktop_server.http.api import Guard, make_api
from desktop_server.http.body import BodyLimits, Cloakroom
from desktop_server.http.fleet import fleet_routes
from desktop_server.http.media_routes import Desk, media_routes
from desktop_server.http.metrics import Metrics
from desktop_server.http.office import Office
from desktop_server.http.oip import Counter, oip_routes
from desktop_server.http.serve import check_tls, serve_api
from desktop_server.http.sharing import sharing_routes
from desktop_server.http.stream import Hello, Theatre, stream_routes
from desktop_server.lending import Lending
from desktop_server.live import Live
from desktop_server.media import MediaLimits
from desktop_server.perception import Perception
from desktop_server.provider import Provider
from desktop_server.settings import DEFAULT_RATE_HZ, ServerSettings
from desktop_server.shared_load import SharedLoad
from desktop_server.tally import Tally
from desktop_server.tokens import Tokens
from device.app import broker_address, fusion_rule, load_models, make_fusion, run, tflite_engine
from device.errors import ConfigError
from device.fusion.fuse import Fusion
from device.models.card import Card
from device.models.net import Engine, Net, OpenNet
from device.models.sets import ModelSet
from device.service import Notifier
from device.settings import Models, Mqtt, Settings, state_dir

_WAITS = 3.0
"""A decoder's time by the clock, as a multiple of the processor's that it may take: others work, too."""
_ALWAYS_S = 3600.0
"""A single picture stands for the whole of a recording beside it."""


def run_node(settings: Settings, *, provider: Provider = "auto") -> None:
    """Be a node like any Pi, with this machine's camera and microphone, or recordings. Raises ``AffectdError``."""
    run(settings, float_engine(provider, runtime=settings.models.runtime))


def serve(settings: ServerSettings) -> None:
    """Serve the web page and the API until a signal. Raises ``AffectdError``."""
    notifier = Notifier()
    require_safe(settings)
    serve_api(build_api(settings), settings.server, notifier)


def require_safe(settings: ServerSettings) -> None:
    """Raises ``ConfigError`` for an address that others can reach while there is no token, or TLS that cannot work."""
    server = settings.server
    if not is_loopback(server.host) and not Tokens(token_path(settings)).known():
        raise ConfigError(
            f"server.host = {server.host!r}: others can reach this address, and there is no token; "
            "run: affectd-server token create NAME"
        )
    check_tls(server)


def token_path(settings: ServerSettings) -> Path:
    """Where the tokens' hashes are kept."""
    chosen = settings.server.token_file
    return Path(chosen) if chosen else state_dir(settings) / "tokens.json"


def build_api(settings: ServerSettings, engine: Engine | None = None) -> FastAPI:
    """The HTTP application of the settings, for whatever serves it. Raises ``ConfigError`` or ``ModelError``.

    ``engine`` none: the float nets run in this process.
    """
    house = open_house(settings, engine or _own_engine(settings))
    limits, server = settings.limits, settings.server
    cloakroom = Cloakroom(
        BodyLimits(
            bytes=round(limits.body_mib * 2**20),
            pause_s=server.body_s,
            bytes_s=1000 * server.body_kb_s,
            together_bytes=round(limits.bodies_mib * 2**20),
        )
    )
    house.metrics.watch("affectd_requests_inside", "Requests being answered or waiting.", lambda: house.office.inside)
    return make_api(
        [
            media_routes(Desk(answer=house.answer, office=house.office, cloakroom=cloakroom, rule=house.rule)),
            stream_routes(_theatre(settings, house)),
            oip_routes(Counter(house.nets, house.office, cloakroom, settings.batching.size, house.has_room)),
            about_routes(_about(settings, house)),
            fleet_routes(_fleet(settings)),
            *_sharing(settings, house.metrics),
        ],
        guard=Guard(
            Tokens(token_path(settings)),
            RateLimit(rate_hz=server.rate_hz or DEFAULT_RATE_HZ, burst=server.burst),
            is_public=not is_loopback(server.host),
            limits_all=server.rate_hz is not None,
            most_body_bytes=cloakroom.limits.bytes,
        ),
        metrics=house.metrics,
        is_ready=house.has_room,
        close=house.close,
    )


def _own_engine(settings: ServerSettings) -> Engine:
    chosen = settings.engine
    return float_engine(chosen.provider, threads=chosen.threads, runtime=settings.models.runtime)


def _fleet(settings: ServerSettings) -> Fleet | None:
    if not settings.fleet.listen:
        return None
    return Fleet(broker_address(settings), prefix=settings.mqtt.prefix, is_default=settings.mqtt == Mqtt())


def _sharing(settings: ServerSettings, metrics: Metrics) -> list[APIRouter]:
    if not settings.sharing.group:
        return []
    tally = Tally(metrics.registry, prefix=settings.mqtt.prefix)
    load = SharedLoad(
        broker_address(settings),
        group=settings.sharing.group,
        handle=tally.hear,
        registry=metrics.registry,
        prefix=settings.mqtt.prefix,
    )
    return [sharing_routes(load)]


@dataclass(frozen=True, slots=True)
class House:
    """Everything that answers, built once: nets, both precisions, workers."""

    nets: Mapping[str, BatchingNet]
    full: Precision
    int8: Precision
    fusions: SettingsFusions
    answerer: Answerer
    office: Office
    metrics: Metrics
    rule: parts.Rule
    decoders: Decoders
    gpu_problem: str

    def answer(self, question: Question) -> parts.Answer:
        """The answer, counted. Raises ``RequestError``."""
        answer = self.answerer(question)
        self.metrics.answered(answer)
        return answer

    def has_room(self) -> bool:
        """Whether a request would be taken now."""
        return self.office.inside < self.office.capacity

    def close(self) -> None:
        """End its processes and threads."""
        self.decoders.close()
        self.office.close()
        for net in self.nets.values():
            net.close()


def open_house(settings: ServerSettings, engine: Engine) -> House:
    """Load the nets of both precisions. Raises ``ConfigError`` or ``ModelError``."""
    decoders = _decoders(settings)  # they get ready while the nets are loaded
    models, metrics = load_models(settings, engine), Metrics()
    nets = {card.id: _batching(settings, models, card, engine, metrics) for card in (models.face, models.speech)}
    office = Office(workers=workers(settings), queue=settings.batching.queue)
    full = _precision("float32", engine, models, (workers(settings), office.places), _shared(nets, engine))
    # `models.dir` names a folder of float files here; the appliance's own are where they are installed.
    int8_models = load_models(replace(settings, models=Models(set=settings.models.set)))
    appliance = tflite_engine(settings.models.runtime)
    int8 = _precision("int8", appliance, int8_models, (1, office.places), appliance.open_net)
    fusions = SettingsFusions(settings, models)
    decoders.warm_up()
    metrics.tell_build(full.described(frozenset()))
    metrics.watch(
        "affectd_gpu_fallback",
        "1 where a GPU does not start and the processor runs the nets.",
        lambda: float(bool(engine.problem)),
    )
    return House(
        nets=nets,
        full=full,
        int8=int8,
        fusions=fusions,
        answerer=_answerer(settings, full, int8, fusions, decoders),
        office=office,
        metrics=metrics,
        rule=cast(parts.Rule, fusion_rule(settings, models)),
        decoders=decoders,
        gpu_problem=engine.problem,
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


def _decoders(settings: ServerSettings) -> Decoders:
    limits = settings.limits
    return Decoders(
        MediaLimits(pixels=round(limits.picture_mpx * 1e6), seconds=limits.media_s),
        Allowance(memory_bytes=round(limits.decode_mib * 2**20), processor_s=limits.decode_s),
        warm=workers(settings),
        wait_s=_WAITS * limits.decode_s,
        rate_hz=settings.camera.rate_hz,
    )


def _precision(
    name: parts.Precision, engine: Engine, models: ModelSet, counts: tuple[int, int], open_net: OpenNet
) -> Precision:
    """``counts``: perceptions at the start, and at most."""
    make: Callable[[], Perception] = partial(Perception, models, open_net)
    return Precision(name, engine.name(), models, Lending(make, *counts))


def _shared(nets: Mapping[str, BatchingNet], engine: Engine) -> OpenNet:
    """Opens nets that are shared by all, and anew those that only one thread may use."""

    def open_net(card: Card, folder: Path) -> Net:
        return nets[card.id] if card.id in nets else engine.open_net(card, folder)

    return open_net


def _batching(settings: ServerSettings, models: ModelSet, card: Card, engine: Engine, metrics: Metrics) -> BatchingNet:
    chosen = settings.batching
    return BatchingNet(
        cast(ManyAtOnce, engine.open_net(card, models.folder)),
        size=chosen.size,
        wait_s=chosen.wait_ms / 1000,
        capacity=chosen.queue + workers(settings),
        observe=metrics.ran(card.id),
    )


def _answerer(
    settings: ServerSettings, full: Precision, int8: Precision, fusions: SettingsFusions, decoders: Decoders
) -> Answerer:
    return Answerer(
        full=full,
        int8=int8,
        fusions=fusions,
        uncertain_below=settings.fusion.uncertain_below,
        smooth_s=settings.fusion.smooth_s,
        hold_s=settings.fusion.hold_s,
        decoders=decoders,
        work_s=settings.limits.work_s,
    )


def _theatre(settings: ServerSettings, house: House) -> Theatre:
    def open_live(hello: Hello) -> Live:
        precisions = [house.full, house.int8] if hello.compare else [house.full]
        return Live(precisions, house.fusions, rule=hello.fusion or house.rule, rate_hz=hello.rate_hz)

    def describe(hello: Hello) -> tuple[parts.Rule, parts.Models, parts.Models | None]:
        int8 = house.int8.described_for(hello.mode) if hello.compare else None
        return hello.fusion or house.rule, house.full.described_for(hello.mode), int8

    return Theatre(
        open_live=open_live,
        describe=describe,
        decode=house.decoders.picture,
        office=house.office,
        uncertain_below=settings.fusion.uncertain_below,
        smooth_s=settings.fusion.smooth_s,
        hold_s=settings.fusion.hold_s,
        most=settings.limits.streams,
        idle_s=settings.server.body_s,
    )


def _about(settings: ServerSettings, house: House) -> About:
    limits = settings.limits
    return About(
        version=version("affectd"),
        models=house.full.described_for("both"),
        int8=house.int8.described_for("both"),
        fusion=house.rule,
        limits=Bounds(
            body_mib=limits.body_mib,
            picture_mpx=limits.picture_mpx,
            media_s=limits.media_s,
            streams=limits.streams,
        ),
        gpu_problem=house.gpu_problem or None,
    )
