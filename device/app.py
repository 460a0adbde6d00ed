"""The composition root of the appliance: settings become stages, and stages become a pipeline."""

from __future__ import annotations

import logging
import os
import signal
import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from device.appliance import Appliance, LinkCounters, Switch
from device.capture.camera_pi import WAIT_S, CameraPi
from device.capture.camera_v4l2 import CameraV4l2
from device.capture.microphone import Microphone
from device.capture.picture_watch import WatchedPictures
from device.capture.replay import Replay, open_media
from device.capture.turned import upright
from device.errors import AffectdError, ConfigError, ModelError, SourceUnavailable
from device.fusion.fuse import Fusion
from device.fusion.rules import RULES
from device.health import SystemProbe
from device.lane_state import NO_PURPOSE
from device.models.detect import FaceDetector
from device.models.face_emotion import FaceRecogniser
from device.models.net import Engine, OpenNet
from device.models.runtime import runtime_name
from device.models.sets import ModelSet, load_set, models_folder, stand_ins
from device.models.speech_emotion import SpeechRecogniser
from device.models.tflite import TfliteModel
from device.newest import NewestOnly
from device.password import read_password
from device.pipeline import ThreadedPipeline, run_inline
from device.publish import topics as table
from device.publish.broker import BrokerAddress, Login, Tls
from device.publish.cadence import Cadence
from device.publish.courier import Courier
from device.publish.downsample import Downsampler
from device.publish.entities import Entities
from device.publish.episodes import Episodes
from device.publish.homeassistant import Device, Equipment, discovery
from device.publish.identities import Identities, Identity
from device.publish.message import Message
from device.publish.mqtt import Link
from device.publish.node import NodeSink, is_privacy_wish, subscriptions
from device.publish.payload import Json, Payloads, SystemClock
from device.publish.topics import Topics
from device.readings import Estimate, Modality
from device.self_test import BrokerState, SelfTest, StoreState
from device.service import Notifier
from device.settings import UNSTATED, Camera, Mqtt, Settings, state_dir
from device.signals import AudioBlock, Frame
from device.stages import AnyLane, Lane, Recogniser, Source
from device.state_folder import StateFolder
from device.updates.installed import load_whole_set

_log = logging.getLogger(__name__)


def tflite_engine(runtime: str = "") -> Engine:
    """The appliance's own: int8 files in a TFLite runtime, by its package's name; empty: the one that is installed."""
    return Engine(
        name=partial(runtime_name, runtime), folder=models_folder, open_net=partial(TfliteModel, runtime=runtime)
    )


TFLITE = tflite_engine()


def load_models(settings: Settings, engine: Engine = TFLITE) -> ModelSet:
    """The cards of the settings' model set. Raises ``ConfigError`` or ``ModelError``."""
    chosen = settings.models
    return load_set(engine.folder(chosen.dir, chosen.set), chosen.set)


def require_usable(settings: Settings) -> None:
    """Raise what ``run`` would raise for these settings before it opens a sensor or a connection."""
    make_fusion(settings, load_models(settings))
    runtime_name(settings.models.runtime)
    if settings.replay.media:
        _paced_replay(settings)
    make_topics(settings)
    make_link(settings, client_id="affectd-check")


def replay_estimates(
    settings: Settings, models: ModelSet, replay: Replay, open_net: OpenNet = TFLITE.open_net
) -> Iterator[Estimate]:
    """Every estimate of recorded media, as fast as it goes and the same at each run."""
    lanes: list[AnyLane] = []
    if (video := replay.video) is not None and settings.node.mode != "speech":
        seen = upright(video, turn=settings.camera.turn, mirror=settings.camera.mirror)
        lanes.append(Lane("camera", lambda: seen, face_recogniser(models, open_net)))
    if (audio := replay.audio) is not None and settings.node.mode != "face":
        lanes.append(Lane("microphone", lambda: audio, speech_recogniser(models, open_net)))
    if not lanes:
        raise AffectdError(
            f"nothing to read emotion from: mode {settings.node.mode!r} finds no such track in the media"
        )
    return run_inline(lanes, make_fusion(settings, models))


def run(settings: Settings, engine: Engine | None = None) -> None:
    """Be the appliance until a signal or, with recordings, their end; ``engine`` none: the settings' TFLite runtime.

    Raises ``AffectdError``.
    """
    engine = engine or tflite_engine(settings.models.runtime)
    models, lanes, damage = _first_usable(settings, engine)
    with StateFolder(state_dir(settings)) as store:
        privacy = store.privacy
        pipeline = ThreadedPipeline(lanes, paused=privacy.active())
        switch = Switch(pipeline=pipeline, privacy=privacy, supervised="NOTIFY_SOCKET" in os.environ)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, switch.stop)
        topics, identities = make_topics(settings), _identities(settings)
        link = make_link(
            settings,
            client_id=f"affectd-{settings.node.id}",
            listening=subscriptions(topics, identities.former),
            is_urgent=lambda message: is_privacy_wish(topics, message),
        )
        node = _node(settings, models, link, store, switch, pipeline, identities)
        node.set_info(_info(settings, models, engine.name(), identities.now.boot_id))
        node.set_privacy_state(privacy.active())
        node.set_part("models", "degraded" if damage else "online", damage or None)
        for sensor in {"camera", "microphone"} - set(pipeline.states):
            node.set_part(sensor, "disabled", f"not used: mode {settings.node.mode!r}, or nothing recorded for it")
        appliance = Appliance(
            pipeline=pipeline,
            fusion=make_fusion(settings, models),
            node=node,
            switch=switch,
            notifier=Notifier(),
            store=store,
            counters=lambda: LinkCounters(link.reconnects, link.unsent, link.inbox.dropped),
            health_s=settings.mqtt.health_s,
            models="degraded" if damage else "online",
        )
        appliance.run()


def _first_usable(settings: Settings, engine: Engine) -> tuple[ModelSet, Sequence[AnyLane], str]:
    """The models, their lanes, and what is wrong: if an installed set is damaged, what was before it serves instead.

    Raises ``ConfigError`` or ``ModelError`` if none can.
    """
    folder = engine.folder(settings.models.dir, settings.models.set)
    damage: AffectdError | None = None
    for candidate in (folder, *stand_ins(folder)):
        try:
            models = load_whole_set(candidate, settings.models.set, any_name=damage is not None)
            fusion_rule(settings, models)
            lanes = _lanes(settings, models, engine.open_net)
        except (ModelError, ConfigError) as error:
            damage = damage or error
        else:
            told = f"{damage}; {models.name!r} in {candidate} serves instead" if damage else ""
            if told:
                _log.error("%s", told)
            return models, lanes, told
    raise damage or ModelError(f"{folder}: no models here")


def face_recogniser(models: ModelSet, open_net: OpenNet = TFLITE.open_net) -> FaceRecogniser:
    """The eye of a model set. It belongs to one thread."""
    return FaceRecogniser(FaceDetector(open_net(models.detector, models.folder)), open_net(models.face, models.folder))


def speech_recogniser(models: ModelSet, open_net: OpenNet = TFLITE.open_net) -> SpeechRecogniser:
    """The ear of a model set. It belongs to one thread."""
    return SpeechRecogniser(open_net(models.speech, models.folder))


def make_fusion(settings: Settings, models: ModelSet) -> Fusion:
    """The fusion that the settings describe. A face stays fresh for two and a half pictures at least.

    Raises ``ModelError`` for a model set whose rule is not known here.
    """
    chosen = settings.fusion
    return Fusion(
        rule=fusion_rule(settings, models),
        fresh_s={
            Modality.FACE: max(chosen.face_fresh_s, 2.5 / settings.camera.rate_hz),
            Modality.SPEECH: chosen.speech_fresh_s,
        },
        smooth_s=chosen.smooth_s,
        hold_s=chosen.hold_s,
        uncertain_below=chosen.uncertain_below,
    )


def fusion_rule(settings: Settings, models: ModelSet) -> str:
    """The rule of the settings or, if they name none, the model set's. Raises ``ModelError`` for an unknown one."""
    rule = settings.fusion.rule or models.rule
    if rule not in RULES:
        raise ModelError(
            f"model set {models.name!r}: this version of affectd has no fusion rule {rule!r}; "
            f"set fusion.rule to one of {', '.join(RULES)}"
        )
    return rule


def make_topics(settings: Settings) -> Topics:
    """The node's addresses."""
    return Topics(settings.node.id, settings.mqtt.prefix, settings.mqtt.discovery_prefix)


def broker_address(settings: Settings) -> BrokerAddress:
    """Where the broker is and how to log in. Raises ``ConfigError`` for a password file that cannot be read."""
    mqtt = settings.mqtt
    password = read_password(mqtt)
    if password is not None and not mqtt.username:
        raise ConfigError("mqtt.username = '': a password is set without a user name")
    return BrokerAddress(
        host=mqtt.host,
        port=mqtt.port,
        protocol=mqtt.protocol,
        login=Login(mqtt.username, password or "") if mqtt.username else None,
        tls=_tls(mqtt) if mqtt.tls else None,
    )


def _tls(mqtt: Mqtt) -> Tls:
    ca, cert, key = (Path(name) if name else None for name in (mqtt.ca_file, mqtt.cert_file, mqtt.key_file))
    return Tls(ca_file=ca, cert_file=cert, key_file=key)


def make_link(
    settings: Settings,
    *,
    client_id: str,
    listening: Sequence[str] = (),
    is_urgent: Callable[[Message], bool] = lambda _: False,
) -> Link:
    """A connection to the settings' broker, not yet open; see there."""
    return Link(broker_address(settings), client_id=client_id, subscriptions=listening, is_urgent=is_urgent)


def open_camera(camera: Camera) -> Source[Frame]:
    """The camera of the settings, not yet open, as it would be if it hung upright."""
    return upright(_camera(camera), turn=camera.turn, mirror=camera.mirror)


def _camera(camera: Camera) -> Source[Frame]:
    size_px = camera.width_px, camera.height_px
    kind, _, name = camera.source.partition(":")
    if kind == "pi":
        wait_s = max(WAIT_S, 2.5 / camera.rate_hz)
        return CameraPi(name=name, size_px=size_px, rate_hz=camera.rate_hz, wait_s=wait_s)
    return CameraV4l2(device=camera.source, size_px=size_px, rate_hz=camera.rate_hz)


def _lanes(settings: Settings, models: ModelSet, open_net: OpenNet) -> Sequence[AnyLane]:
    replay = _paced_replay(settings) if settings.replay.media else None
    lanes: list[AnyLane] = []
    if settings.node.mode != "speech" and (replay is None or replay.video is not None):
        lanes.append(_camera_lane(settings, face_recogniser(models, open_net), replay))
    if settings.node.mode != "face" and (replay is None or replay.audio is not None):
        lanes.append(_microphone_lane(settings, speech_recogniser(models, open_net), replay))
    if not lanes:
        raise ConfigError(f"replay.media: mode {settings.node.mode!r} finds no such track in the media")
    return lanes


def _paced_replay(settings: Settings) -> Replay:
    chosen = settings.replay
    return open_media(
        [Path(name) for name in chosen.media],
        audio=Path(chosen.audio) if chosen.audio else None,
        paced=True,
        loop=chosen.loop,
        rate_hz=settings.camera.rate_hz,
    )


def _camera_lane(settings: Settings, recognise: Recogniser[Frame], replay: Replay | None) -> Lane[Frame]:
    def newest() -> Source[Frame]:
        chosen = settings.camera
        if replay is None or replay.video is None:
            _require_purpose(settings)
            return WatchedPictures(NewestOnly(open_camera(chosen)))
        return WatchedPictures(NewestOnly(upright(replay.video, turn=chosen.turn, mirror=chosen.mirror)))

    return Lane("camera", newest, recognise, required=settings.camera.required)


def _microphone_lane(settings: Settings, recognise: Recogniser[AudioBlock], replay: Replay | None) -> Lane[AudioBlock]:
    def microphone() -> Source[AudioBlock]:
        recorded = replay.audio if replay else None
        if recorded is None:
            _require_purpose(settings)
        return recorded or Microphone(name=settings.microphone.name)

    return Lane("microphone", microphone, recognise, required=settings.microphone.required)


def _require_purpose(settings: Settings) -> None:
    if settings.node.purpose == UNSTATED:
        raise SourceUnavailable(f"{NO_PURPOSE}; run: sudo affectd setup")


def _node(
    settings: Settings, models: ModelSet, link: Link, kept: StateFolder, switch: Switch, pipeline: ThreadedPipeline,
    identities: Identities,
) -> NodeSink:  # fmt: skip
    topics, mqtt, boot_id = make_topics(settings), settings.mqtt, identities.now.boot_id
    test = SelfTest(
        models=models,
        lanes=lambda: pipeline.states,
        broker=lambda: BrokerState(link.problem, link.reconnects, link.unsent),
        store=lambda: StoreState(kept.problem, kept.events.depth, kept.events.dropped),
    )
    return NodeSink(
        link=link,
        topics=topics,
        payloads=Payloads(node=settings.node.id, boot_id=boot_id, model_set=models.name, clock=SystemClock()),
        cadence=Cadence(heartbeat_s=mqtt.heartbeat_s),
        episodes=Episodes(id_prefix=boot_id[:8]),
        courier=Courier(link=link, outbox=kept.events, address=topics.address(table.EVENT)),
        handlers={"restart": switch.restart, "self-test": test},
        set_privacy=switch.set_privacy,
        entities=_entities(settings, link, _equipment(pipeline.states, restart=switch.supervised), identities.is_first),
        identities=identities,
        state_qos=mqtt.state_qos,
    )


def _identities(settings: Settings) -> Identities:
    now = Identity(settings.node.id, settings.mqtt.prefix, settings.mqtt.discovery_prefix, uuid.uuid4().hex)
    return Identities(state_dir(settings) / "identities.json", now)


def _equipment(lanes: Collection[str], *, restart: bool) -> Equipment:
    machine = SystemProbe().read()
    return Equipment(
        face="camera" in lanes,
        speech="microphone" in lanes,
        temperature=machine.soc_temperature_celsius is not None,
        throttling=machine.throttled_now is not None,
        restart=restart,
    )


def _entities(settings: Settings, link: Link, has: Equipment, is_first: bool) -> Entities:
    mqtt, pace, topics = settings.mqtt, settings.home_assistant, make_topics(settings)
    device = Device(version("affectd"), settings.node.name, settings.node.area, SystemProbe().hardware())
    announcement = discovery(topics, device, has=has, heartbeat_s=mqtt.heartbeat_s, health_period_s=mqtt.health_s)
    return Entities(
        link=link,
        topics=topics,
        discovery=announcement if mqtt.home_assistant else None,
        downsampler=Downsampler(min_interval_s=pace.min_interval_s, off_delay_s=pace.off_delay_s),
        heartbeat_s=mqtt.heartbeat_s,
        is_first=is_first,
    )


def _info(settings: Settings, models: ModelSet, runtime: str, boot_id: str) -> Json:
    payloads = Payloads(node=settings.node.id, boot_id=boot_id, model_set=models.name, clock=SystemClock())
    return payloads.info(
        version=version("affectd"),
        models={card.id: card.sha256 for card in models.cards},
        runtime=runtime,
        capabilities=[settings.node.mode, fusion_rule(settings, models)],
    )
