"""The command line: ``affectd-server``. Each command is imported when it is called."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

from desktop_server.settings import DEFAULT_SERVER_CONFIG
from device.cli import positive, run_command
from device.config.settings import TURNS
from device.process.program import run_program
from device.readings import MODES, RULE_NAMES

_PROVIDERS = ("auto", "cpu", "cuda", "tensorrt")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""

    def work() -> int:
        return run_command("desktop_server.commands", server_parser().parse_args(arguments))

    return run_program("affectd-server", work)


def server_parser() -> argparse.ArgumentParser:
    """All commands with their options; manual pages and completions are made from it."""
    about = "Emotion from face and voice with full-precision models: web page, HTTP API, MQTT."
    parser = argparse.ArgumentParser(prog="affectd-server", description=about)
    parser.add_argument("--version", action="version", version=f"affectd-server {version('affectd')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_node(commands)
    _add_token(commands)
    _add_bench(commands)
    _add_read(commands)
    _add_compare(commands)
    _add_scale_out(commands)
    _add_model_repository(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _command(commands: Commands, name: str, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=about)
    parser.set_defaults(module=name.replace("-", "_"))
    return parser


def _with_config(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help=f"configuration (TOML); default {DEFAULT_SERVER_CONFIG} if it is there",
    )
    return parser


def _add_run(commands: Commands) -> None:
    parser = _with_config(_command(commands, "run", "serve the web page and the API"))
    parser.add_argument("--host", help="an address of this machine; default: the configuration's, or 127.0.0.1")
    parser.add_argument("--port", type=int, help="default: the configuration's, or 8384; 0: any that is free")


def _add_node(commands: Commands) -> None:
    about = "be a node like any Pi: this machine's camera and microphone, or recordings, to MQTT"
    _with_config(_command(commands, "node", about))


def _add_token(commands: Commands) -> None:
    parser = _command(commands, "token", "make, list or revoke the tokens that the API asks for")
    actions = parser.add_subparsers(required=True, dest="action", metavar="ACTION")
    for action, about in (("create", "make one; it is shown once"), ("revoke", "make it worthless at once")):
        _with_config(actions.add_parser(action, help=about, description=about)).add_argument("name")
    _with_config(actions.add_parser("list", help="names and dates", description="names and dates"))


def _add_bench(commands: Commands) -> None:
    parser = _command(commands, "bench", "speed and memory of the server on this machine")
    parser.add_argument("--requests", type=int, default=300, help="one at a time, of each kind; default: %(default)s")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each throughput; default: %(default)s")
    parser.add_argument("--memory-requests", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")


def _add_read(commands: Commands) -> None:
    about = "a folder of pictures, recordings and films as a table: a row a picture, a row an estimate of a recording"
    parser = _command(commands, "read", about)
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="with the folders in it")
    out = parser.add_mutually_exclusive_group()
    out.add_argument("--csv", type=Path, metavar="FILE", help="write the table there; default: standard output")
    out.add_argument("--json", type=Path, metavar="FILE", help="write whole answers there instead, a line a file")
    parser.add_argument("--model-set", default="", metavar="NAME", help="see `affectd models list`")
    parser.add_argument("--mode", choices=MODES, default="both", help="default: %(default)s")
    parser.add_argument("--fusion", choices=RULE_NAMES, default="", help="default: the model set's rule")
    parser.add_argument("--crop", action="store_true", help="each picture is a face already, framed as in FER2013")
    parser.add_argument(
        "--turn", type=int, choices=TURNS, default=0, help="turn the pictures clockwise; default: %(default)s"
    )
    parser.add_argument("--rate", type=positive, metavar="HZ", help="pictures a second of a film; default: 10")
    parser.add_argument("--provider", choices=_PROVIDERS, default="auto", help="what runs the float nets")


def _add_compare(commands: Commands) -> None:
    parser = _command(commands, "compare", "what int8 costs: the same input through the appliance's files and float's")
    parser.add_argument("media", nargs="*", type=Path, metavar="MEDIA", help="video, picture, folder of them, or sound")
    parser.add_argument("--dataset", metavar="NAME", help="a corpus instead, as `python -m quantize evaluate` knows it")
    parser.add_argument("--root", type=Path, metavar="DIR", help="the corpus's folder, or the one that holds it")
    parser.add_argument("--model-set", default="", metavar="NAME", help="see `affectd models list`")
    parser.add_argument("--mode", choices=MODES, default="both", help="default: %(default)s")
    parser.add_argument("--fusion", choices=RULE_NAMES, default="", help="of media; default: the model set's rule")
    parser.add_argument("--rate", type=positive, metavar="HZ", help="pictures a second that are read; default: all")
    parser.add_argument("--provider", choices=_PROVIDERS, default="auto", help="what runs the float nets")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write comparison.json, .md and .html there")


def _add_scale_out(commands: Commands) -> None:
    about = "serve the web page and the API with Ray Serve, on one machine or many"
    parser = _with_config(_command(commands, "scale-out", about))
    parser.add_argument("--cluster", default="", metavar="ADDRESS", help="a Ray that runs; default: one of our own")


def _add_model_repository(commands: Commands) -> None:
    parser = _with_config(_command(commands, "model-repository", "write the float nets as NVIDIA Triton reads them"))
    parser.add_argument("folder", type=Path, metavar="DIR", help="made if it is not there")
    parser.add_argument("--model-set", default="", metavar="NAME", help="default: the nets of all sets")
