"""The command line: ``affectd``. Each command is imported when it is called, so that none pays for another."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from device.interpreter import interpreter_fault
from device.process.program import run_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    if fault := interpreter_fault():  # which not even the doctor could be run with
        print(f"affectd: {fault}", file=sys.stderr)
        return 78
    return run_program("affectd", lambda: run_command("device.commands", device_parser().parse_args(arguments)))


def run_command(package: str, options: argparse.Namespace) -> int:
    """Import and run the command that was chosen."""
    return int(import_module(f"{package}.{options.module}").run(options))


def device_parser() -> argparse.ArgumentParser:
    """All commands with their options; manual pages and completions are made from it."""
    parser = argparse.ArgumentParser(prog="affectd", description="Emotion from face and voice, on the device.")
    parser.add_argument("--version", action="version", version=f"affectd {version('affectd')}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_replay(commands)
    _add_watch(commands)
    _add_tools(commands)
    _add_setup(commands)
    _add_models(commands)
    _add_bench(commands)
    return parser


if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _command(commands: Commands, module: str, about: str) -> argparse.ArgumentParser:
    parser = commands.add_parser(module, help=about, description=about)
    parser.set_defaults(module=module)
    return parser


def _with_config(parser: argparse.ArgumentParser) -> None:
    from device.config.settings import DEFAULT_CONFIG  # not above: an old Python could not say that it is one

    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"configuration (TOML); default {DEFAULT_CONFIG} if it is there"
    )


def _add_run(commands: Commands) -> None:
    _with_config(_command(commands, "run", "be the appliance: camera and microphone to MQTT"))


def _add_replay(commands: Commands) -> None:
    from device.config.settings import RUNTIMES, TURNS  # not above: as with the default configuration
    from device.readings import MODES, RULE_NAMES

    parser = _command(commands, "replay", "estimates for recorded media, one line each, and a table of the clips")
    parser.add_argument("media", nargs="+", type=Path, metavar="MEDIA", help="video, picture, folder of them, or sound")
    parser.add_argument("--audio", type=Path, metavar="FILE", help="sound in place of the videos' own")
    parser.add_argument("--models-dir", default="", metavar="FOLDER", help="another folder of models")
    parser.add_argument("--model-set", default="", metavar="NAME", help="see `affectd models list`")
    parser.add_argument("--runtime", choices=RUNTIMES, default="", help="TFLite's; default: the one that is installed")
    parser.add_argument("--fusion", choices=RULE_NAMES, default="", help="default: the model set's rule")
    parser.add_argument("--mode", choices=MODES, default="both", help="default: %(default)s")
    parser.add_argument("--rate", type=positive, metavar="HZ", help="pictures a second that are read; default: all")
    parser.add_argument(
        "--turn",
        type=int,
        choices=TURNS,
        default=0,
        help="turn the pictures clockwise, by degrees; default: %(default)s",
    )
    parser.add_argument("--mirror", action="store_true", help="swap left and right")
    parser.add_argument("--json", action="store_true", help="each estimate as the JSON that MQTT carries, and no table")


def _add_watch(commands: Commands) -> None:
    parser = _command(commands, "watch", "live view of what the broker carries")
    _with_config(parser)
    parser.add_argument("--host", help="broker; default: the configuration's, or localhost")
    parser.add_argument("--port", type=int)
    parser.add_argument("--json", action="store_true", help="one line a message instead of the view")


def _add_tools(commands: Commands) -> None:
    _with_config(_command(commands, "doctor", "check everything the appliance needs, and name each remedy"))
    _command(commands, "devices", "cameras and microphones by the names that the configuration takes")
    config = _command(commands, "config", "check or show a configuration, or print its JSON schema")
    config.add_argument("action", choices=("check", "show", "schema"))
    _with_config(config)


def _add_models(commands: Commands) -> None:
    from device.readings import RULE_NAMES  # not above: as with the settings
    from device.updates.signature import DEFAULT_KEYS

    about = "list and verify model sets, add a net of your own, install a set, go back, or pack one for others"
    models = _command(commands, "models", about)
    actions = models.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = _action(actions, "list", "the model sets that are here")
    verify = _action(actions, "verify", "load every file and compare it with its card")
    add = _action(actions, "add", "make a set of a net of your own, with its card beside it, the default of a folder")
    add.add_argument("files", nargs="+", type=Path, metavar="FILE", help="TFLite files, one a modality")
    add.add_argument("--dir", type=Path, required=True, metavar="FOLDER", help="of models; made if it is not there")
    add.add_argument("--set", default="", metavar="NAME", help="default: the first net's name")
    add.add_argument("--rule", choices=RULE_NAMES, default="", help="of fusion; default: the default set's")
    install = _action(actions, "install", "check a signed model set, try it, and switch to it")
    install.add_argument("archive", type=Path, metavar="FILE")
    install.add_argument(
        "--keys", type=Path, default=DEFAULT_KEYS, metavar="FOLDER", help="public keys to trust; default: %(default)s"
    )
    rollback = _action(actions, "rollback", "go back to the set before, or to the package's own")
    pack = _action(actions, "pack", "write a signed file of a set, for others to install")
    pack.add_argument("set", metavar="NAME")
    pack.add_argument("--key", type=Path, required=True, metavar="FILE", help="minisign's secret key")
    pack.add_argument("--out", type=Path, metavar="FILE", help="default: NAME.models.tar")
    for action in (listing, verify, pack):
        action.add_argument("--dir", default="", metavar="FOLDER", help="another folder of models")
    for action in (verify, install, rollback):
        _with_config(action)
    for action in (install, rollback):
        action.add_argument(
            "--restart", action="store_true", help="restart the service; install: go back if it does not get well"
        )


def _action(actions: Commands, name: str, about: str) -> argparse.ArgumentParser:
    return actions.add_parser(name, help=about, description=about)


def _add_setup(commands: Commands) -> None:
    parser = _command(commands, "setup", "the first start: ask, check live, and write the configuration")
    _with_config(parser)
    parser.add_argument("--purpose", help="why it is there: home, research, assistive, medical or safety")
    parser.add_argument("--node", metavar="NAME", help="in topics and in Home Assistant")
    parser.add_argument("--broker", metavar="HOST[:PORT]")
    parser.add_argument("--tls", action=argparse.BooleanOptionalAction)
    parser.add_argument("--ca-file", type=Path, metavar="FILE", help="of the broker's authority")
    parser.add_argument("--username", metavar="NAME")
    parser.add_argument("--password-file", type=Path, metavar="FILE", help="with the password alone; it stays there")
    parser.add_argument("--protocol", choices=("5", "3.1.1"), help="MQTT version")
    parser.add_argument("--camera", metavar="SOURCE", help="as `affectd devices` prints it, an address, or none")
    parser.add_argument("--microphone", metavar="NAME", help='as `affectd devices` prints it, "" (default) or none')
    parser.add_argument("--yes", action="store_true", help="ask nothing; implied where there is no terminal")
    parser.add_argument("--skip-checks", action="store_true", help="with --yes: write it without trying anything")
    parser.add_argument("--unattended", type=Path, metavar="FILE", help="do what this file says, and remove it")


def _add_bench(commands: Commands) -> None:
    parser = _command(commands, "bench", "speed and memory of this machine, against a pinned peer")
    parser.add_argument("--seconds", type=positive, default=60, help="of the end-to-end run; default: %(default)s")
    parser.add_argument("--peer-python", type=Path, metavar="FILE", help="an interpreter that has fer 25.10.3")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")


def positive(text: str) -> float:
    """An option's number, 0.01 to 1000000."""
    number = float(text)
    if not 0.01 <= number <= 1e6:  # neither is NaN
        raise argparse.ArgumentTypeError(f"{text} is not between 0.01 and 1000000")
    return number
