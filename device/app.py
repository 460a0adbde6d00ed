"""The composition root of the appliance: settings become stages, and stages become a pipeline."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence

from device.appliance.main_loop import AppControl, Appliance, LinkCounters
from device.appliance.state_folder import StateFolder
from device.capture.replay import Replay
from device.config.settings import Settings, state_dir
from device.modalities import MODALITIES
from device.models.net import Engine, NetLoader
from device.models.sets import ModelSet
from device.monitoring.service import Notifier
from device.pipeline.run import ThreadedPipeline, run_inline
from device.readings import Estimate
from device.stages import AnyBranch
from device.wiring import broker, fusion, models, node, sources


def require_usable_settings(settings: Settings) -> None:
    """Raise what ``run`` would raise for these settings before it opens a sensor or a connection."""
    fusion.make_fusion(settings, models.load_models(settings))
    models.tflite_engine(settings.models.runtime).name()
    if settings.replay.media:
        sources.paced_replay(settings)
    broker.make_topics(settings)
    broker.make_client(settings, client_id="affectd-check")


def replay_estimates(
    settings: Settings, model_set: ModelSet, replay: Replay, load_net: NetLoader = models.TFLITE.load_net
) -> Iterator[Estimate]:
    """Every estimate of recorded media, as fast as it goes and the same at each run."""
    branches = sources.replay_branches(settings, model_set, replay, load_net)
    return run_inline(branches, fusion.make_fusion(settings, model_set))


def run_appliance(settings: Settings, engine: Engine | None = None) -> None:
    """Be the appliance until a signal or, with recordings, their end; ``engine`` none: the settings' TFLite runtime.

    Raises ``AffectdError``.
    """
    engine = engine or models.tflite_engine(settings.models.runtime)

    def make_branches(model_set: ModelSet) -> Sequence[AnyBranch]:
        fusion.fusion_rule(settings, model_set)
        return sources.make_branches(settings, model_set, engine.load_net)

    model_set, branches, damage = models.first_usable(settings, engine, make_branches)
    with StateFolder(state_dir(settings), node.make_identity(settings)) as store:
        pipeline = ThreadedPipeline(branches, paused=store.privacy.active())
        control = AppControl(pipeline=pipeline, privacy=store.privacy, supervised="NOTIFY_SOCKET" in os.environ)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, control.stop)
        client = node.make_node_client(settings, store.identities)
        sink = node.make_node(settings, model_set, client, store, control, pipeline)
        sink.set_info(node.node_info(settings, model_set, engine.name(), store.identities.now.boot_id))
        sink.set_privacy_state(store.privacy.active())
        sink.set_part("models", "degraded" if damage else "online", damage or None)
        for part in {row.part for row in MODALITIES} - set(pipeline.states):
            sink.set_part(part, "disabled", f"not used: mode {settings.node.mode!r}, or nothing recorded for it")
        Appliance(
            pipeline=pipeline,
            fusion=fusion.make_fusion(settings, model_set),
            node=sink,
            control=control,
            notifier=Notifier(),
            store=store,
            counters=lambda: LinkCounters(client.reconnects, client.unsent, client.inbox.dropped),
            health_s=settings.mqtt.health_s,
            models="degraded" if damage else "online",
        ).run()
