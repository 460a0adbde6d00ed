"""``affectd models``: which models are there, whether they are whole, and how others come and go."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from device.config.settings import DEFAULT_CONFIG, ModelsSettings, Settings
from device.config.settings_file import chosen_settings
from device.errors import AffectdError
from device.models.card import Card
from device.models.runtime import runtime_name
from device.models.sets import (
    ModelSet,
    active_folder,
    list_sets,
    load_set,
    models_folder,
    package_folder,
    updates_folder,
)
from device.models.tflite import TfliteModel
from device.readings import Modality
from device.updates import trial
from device.updates.add import add
from device.updates.install import install, roll_back
from device.updates.pack import pack
from device.updates.proof import Prove, proved
from device.wiring.fusion import fusion_rule

_SERVICE = "affectd.service"


def run(options: argparse.Namespace) -> int:
    """List (the default first) or verify the sets, add or install one, go back to the one before, or pack one."""
    changes = {"add": _add, "install": _install, "rollback": _roll_back}
    return {"list": _list, "verify": _verify, "pack": _pack, **changes}[options.action](options)


def _list(options: argparse.Namespace) -> int:
    for folder in _folders(options.dir):
        print(folder)
        table = Table("set", *map(str, Modality))
        for name in list_sets(folder):
            models = load_set(folder, name)
            table.add_row(name, *(_described(models.models.get(modality)) for modality in Modality))
        Console().print(table)
    return 0


def _described(card: Card | None) -> str:
    return f"{card.id} ({card.sha256[:12]})" if card else "–"


def _verify(options: argparse.Namespace) -> int:
    runtime = chosen_settings(options.config).models.runtime
    cards = [(folder, card) for folder in _folders(options.dir) for card in _cards(folder)]
    for folder, card in cards:
        TfliteModel(card, folder, runtime=runtime)
        print(f"ok  {card.id}  {card.file}  sha256 {card.sha256}")
    if (active := active_folder()) and not options.dir:
        models, deviation = proved(active, runtime)
        print(f"ok  {models.name} gives its golden answers, within {256 * deviation:.1f}/256")
    print(f"{len(cards)} models are what their cards say, and load in {runtime_name(runtime)}")
    return 0


def _folders(chosen: str) -> list[Path]:
    """The active set's first, if one was installed: it is the default."""
    active = active_folder()
    return [Path(chosen)] if chosen else [*([active] if active else []), package_folder()]


def _cards(folder: Path) -> list[Card]:
    """Of every set's nets. Raises ``ModelError`` where a set names a rule that this version does not have."""
    sets = [load_set(folder, name) for name in list_sets(folder)]
    for models in sets:
        fusion_rule(Settings(), models)
    return list({card.id: card for models in sets for card in models.cards}.values())


def _add(options: argparse.Namespace) -> int:
    like = load_set(models_folder())
    models = add(options.files, folder=options.dir, like=like, name=options.set, rule=options.rule)
    nets = ", ".join(f"{modality} {card.id}" for modality, card in models.models.items())
    print(f"model set {models.name!r} ({nets}; rule {models.rule}) is the default of {options.dir}")
    print(f"to serve it, in affectd.toml under [models]: dir = {json.dumps(str(options.dir.resolve()))}")
    return 0


def _install(options: argparse.Namespace) -> int:
    root, restart, settings = _root(), options.restart, chosen_settings(options.config)
    if restart:
        trial.require_trial()
        trial.begin()
    done = install(options.archive, root=root, keys=options.keys, prove=_proving(settings))
    print(
        f"model set {done.models.name!r} is active: signed with {done.signed_by}, hashes right, golden answers within "
        f"{256 * done.deviation:.1f}/256",
        flush=True,
    )
    if restart:
        print("it is on trial for a minute or two; if this terminal goes, the trial goes on", flush=True)
        healthy, said = trial.verdict()
        if not healthy:
            raise AffectdError(f"{said}; see journalctl --unit={_SERVICE}")
    _print_when_used(restart)
    _warn_if_pinned(settings.models, done.models.name, options.config or DEFAULT_CONFIG)
    return 0


def _roll_back(options: argparse.Namespace) -> int:
    root, restart, settings = _root(), options.restart, chosen_settings(options.config)
    _require_systemd(restart)
    print(f"{_name(roll_back(root, prove=_proving(settings)))} is active again")
    if restart and not _restarted():
        raise AffectdError(f"{_SERVICE} did not start; see journalctl -u {_SERVICE}")
    _print_when_used(restart)
    return 0


def _pack(options: argparse.Namespace) -> int:
    models = load_set(models_folder(options.dir, options.set), options.set)
    file = options.out or Path(f"{models.name}.models.tar")
    pack(models, key=options.key, file=file)
    print(f"{file}: model set {models.name!r}, {file.stat().st_size} bytes; nodes take it that trust the key's .pub")
    return 0


def _proving(settings: Settings) -> Prove:
    return partial(proved, runtime=settings.models.runtime)


def _name(models: ModelSet | None) -> str:
    return f"model set {models.name!r}" if models else "the package's own model set"


def _root() -> Path:
    root = updates_folder()
    if root is None:
        raise AffectdError(
            "a checkout serves its own models_tflite; to try installing, set AFFECTD_INSTALLED_MODELS to a folder"
        )
    return root


def _print_when_used(restarted: bool) -> None:
    print(
        f"{_SERVICE} runs with it"
        if restarted
        else f"affectd uses it from its next start: systemctl restart {_SERVICE}"
    )


def _warn_if_pinned(models: ModelsSettings, name: str, config: Path) -> None:
    if models.dir or models.set not in ("", name):
        pinned = f"models.dir = {models.dir!r}" if models.dir else f"models.set = {models.set!r}"
        print(f"but {pinned} in {config} keeps affectd on another set: take that line out")


def _require_systemd(restart: bool) -> None:
    if restart and shutil.which("systemctl") is None:
        raise AffectdError("no systemctl here; leave --restart away and restart affectd by hand")


def _restarted() -> bool:
    """Restart the service; with Type=notify systemd waits until it has loaded its models and says that it is ready."""
    return subprocess.run(["systemctl", "restart", _SERVICE], check=False).returncode == 0
