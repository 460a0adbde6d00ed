"""Settings of the server: a node's, and those that only a server has, in one file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from device.config.settings import GroupName, Seconds, Settings, SettingsTable
from device.config.settings_file import load_settings_as

DEFAULT_SERVER_CONFIG = Path("/etc/affectd/affectd-server.toml")

DEFAULT_RATE_HZ = 50.0

Port = Annotated[int, Meta(ge=0, le=65535)]
Rate = Annotated[float, Meta(gt=0, le=1e6)]
_Count = Annotated[int, Meta(ge=1, le=4096)]


class Server(SettingsTable, frozen=True):
    """Where it listens, and to whom."""

    host: Annotated[str, Meta(description="An address of this machine; any but a loopback one asks for a token.")] = (
        "127.0.0.1"
    )
    port: Annotated[Port, Meta(description="0: any that is free.")] = 8384
    cert_file: Annotated[str, Meta(description="Certificate chain (PEM); with it the server speaks TLS only.")] = ""
    key_file: Annotated[str, Meta(description="Its key (PEM).")] = ""
    token_file: Annotated[str, Meta(description="Hashes of the tokens; default: tokens.json in the state folder.")] = ""
    rate_hz: Annotated[
        Rate | None,
        Meta(
            description="Requests a second of one token; default 50. Where none is asked for there is no such limit, "
            "unless one is set: then it is an address's."
        ),
    ] = None
    burst: Annotated[_Count, Meta(description="So many may come at once before the rate counts.")] = 100
    idle_s: Annotated[Seconds, Meta(description="How long a connection may wait before or between requests.")] = 10.0
    body_s: Annotated[
        Seconds, Meta(description="How long a request's body may pause; what takes longer must come at `body_kb_s`.")
    ] = 30.0
    body_kb_s: Annotated[Rate, Meta(description="The least kilobytes a second of a body that takes longer.")] = 20.0
    connections: Annotated[
        _Count, Meta(description="Of one address at once; beyond, the one that was idle for longest is closed.")
    ] = 256


class EngineSettings(SettingsTable, frozen=True):
    """What runs the float nets."""

    provider: Annotated[
        Literal["auto", "cpu", "cuda", "tensorrt"],
        Meta(description="A GPU that is named here and does not start is an error; `auto` takes what does."),
    ] = "auto"
    threads: Annotated[int, Meta(ge=1, le=256, description="Of one net on the processor.")] = 1


class Batching(SettingsTable, frozen=True):
    """How requests share a run of a net, and how many may wait."""

    workers: Annotated[
        int, Meta(ge=0, le=256, description="Requests that are worked on at once; 0: one a processor and one more.")
    ] = 0
    queue: Annotated[_Count, Meta(description="Requests that may wait for a worker; more are refused with 503.")] = 64
    size: Annotated[_Count, Meta(description="The most samples of one run.")] = 32
    wait_ms: Annotated[
        float, Meta(ge=0, le=1000, description="How long a run waits for more samples; 0: takes what is waiting.")
    ] = 0.0


class Limits(SettingsTable, frozen=True):
    """What a request may ask for."""

    body_mib: Annotated[float, Meta(gt=0, le=4096, description="Of one request.")] = 32.0
    bodies_mib: Annotated[float, Meta(gt=0, le=65536, description="Of all requests that are here at once.")] = 256.0
    picture_mpx: Annotated[
        float, Meta(gt=0, le=1000, description="Megapixels of a picture; of a film's frame 9 at most.")
    ] = 25.0
    media_s: Annotated[Seconds, Meta(description="Length of a recording or film.")] = 120.0
    decode_mib: Annotated[float, Meta(ge=16, le=65536, description="Memory that decoding one file may take.")] = 256.0
    decode_s: Annotated[
        Seconds,
        Meta(description="Of the processor, for decoding one file; half of a recording's length is added to it."),
    ] = 5.0
    work_s: Annotated[Seconds, Meta(description="How long one request may be worked on.")] = 60.0
    jobs: Annotated[
        int, Meta(ge=0, le=4096, description="Jobs that wait, are worked on or hold an answer; one client has half.")
    ] = 32
    job_mib: Annotated[float, Meta(gt=0, le=4096, description="Of a job's body; of all, `bodies_mib` again.")] = 128.0
    job_media_s: Annotated[Seconds, Meta(description="Length of a recording or film that a job reads.")] = 900.0
    job_work_s: Annotated[Seconds, Meta(description="How long one job may be worked on.")] = 900.0
    job_kept_s: Annotated[Seconds, Meta(description="How long its answer is kept.")] = 300.0
    answers_mib: Annotated[
        float, Meta(gt=0, le=65536, description="Of all kept answers; while there are more, no job is taken.")
    ] = 64.0
    streams: Annotated[_Count, Meta(description="Open live streams.")] = 8
    streams_per_client: Annotated[
        _Count | None,
        Meta(description="Of one token or, without tokens, one address; default: half of them."),
    ] = None


class FleetSettings(SettingsTable, frozen=True):
    """Other nodes, for the page."""

    listen: Annotated[bool, Meta(description="Hear what nodes say at the broker of `[mqtt]`, below its prefix.")] = True


class Sharing(SettingsTable, frozen=True):
    """What many servers at one broker share."""

    group: Annotated[
        GroupName,
        Meta(
            description="Servers of one group share what nodes say, and count it for `/metrics` (MQTT 5); empty: off.",
        ),
    ] = ""


class ScaleOut(SettingsTable, frozen=True):
    """How many replicas Ray Serve may start (`affectd-server scale-out`)."""

    cpus: Annotated[int, Meta(ge=0, le=4096, description="What a Ray of its own may use; 0: every processor.")] = 0
    most_fronts: Annotated[_Count, Meta(description="Replicas that read media; each takes one processor.")] = 4
    most_nets: Annotated[_Count, Meta(description="Replicas of each float net; each takes half a processor.")] = 2
    grow_after_s: Annotated[
        float, Meta(ge=0.1, le=3600, description="How long there must be too much to do before there is one more.")
    ] = 10.0
    shrink_after_s: Annotated[Seconds, Meta(description="How long there must be too little to do.")] = 300.0


class ServerSettings(Settings, frozen=True):
    """Everything a user of the server may set."""

    server: Server = Server()
    engine: EngineSettings = EngineSettings()
    batching: Batching = Batching()
    limits: Limits = Limits()
    fleet: FleetSettings = FleetSettings()
    sharing: Sharing = Sharing()
    scale_out: ScaleOut = ScaleOut()


def worker_count(settings: ServerSettings) -> int:
    """How many requests of a kind, short or long, are worked on at once."""
    return settings.batching.workers or (os.cpu_count() or 1) + 1


def streams_per_client(limits: Limits) -> int:
    """How many live streams one client may hold: never all, unless there is one or a setting says so."""
    return limits.streams_per_client or max(1, limits.streams // 2)


def load_server_settings(path: Path | None) -> ServerSettings:
    """The file that was named, else the installed one, else the defaults. Raises ``ConfigError``."""
    if path is None and not DEFAULT_SERVER_CONFIG.exists():
        return ServerSettings()
    return load_settings_as(path or DEFAULT_SERVER_CONFIG, ServerSettings)
