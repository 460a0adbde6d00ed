"""``affectd setup``: the first start, asked in a terminal, given by flags, or ordered by a file on the card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.prompt import Confirm

from device.app import require_usable_settings
from device.config.settings import DEFAULT_CONFIG, UNSTATED, Settings
from device.config.settings_file import chosen_settings
from device.errors import AffectdError, ConfigError
from device.setup.checks import check_all
from device.setup.dialogue import ask_node, ask_purpose
from device.setup.draft import Draft, require_node
from device.setup.files import require_writable_config, sparse_toml, write_draft
from device.setup.live import quiet_libraries, settle_broker, settle_camera, settle_microphone
from device.setup.purpose import LAWFUL, require_lawful
from device.setup.unattended import read_order, report, wipe

UNTOUCHED = "nothing was changed"
DONE_WITH_FINDINGS = 3
"""What an unattended setup ends with that is done, and found something to see to: its unit takes that for success."""


def run(options: argparse.Namespace) -> int:
    """Set up. Whatever ends it early leaves the old configuration as it was."""
    config = (options.config or DEFAULT_CONFIG).absolute()
    if options.unattended is not None:
        return _unattended(options.unattended, config)
    require_writable_config(config)
    draft = from_flags(Draft(before(config)), options)
    if options.yes or not sys.stdin.isatty():
        return _by_flags(draft, config, check=not options.skip_checks)
    try:
        with quiet_libraries():
            return _by_questions(draft, config, options)
    except (KeyboardInterrupt, EOFError):
        print(f"\n{UNTOUCHED}")
        return 130


def from_flags(draft: Draft, options: argparse.Namespace) -> Draft:
    """What the flags say, over what was there. Raises ``ConfigError``."""
    given = {key: getattr(options, key) for key in ("protocol", "username", "tls") if getattr(options, key) is not None}
    files = {key: str(path.resolve()) for key in ("ca_file", "password_file") if (path := getattr(options, key))}
    draft = draft.change("mqtt", **given, **files)
    if options.broker is not None:
        draft = draft.with_broker(options.broker)
    if options.node is not None:
        draft = draft.change("node", id=require_node(options.node))
    if options.purpose is not None:
        draft = draft.change("node", purpose=require_lawful(options.purpose))
    if options.camera is not None:
        draft = draft.with_camera(options.camera)
    return draft if options.microphone is None else draft.with_microphone(options.microphone)


def before(config: Path) -> Settings:
    """What is set up already. Raises ``ConfigError`` for a file with a mistake: it is not for us to lose it."""
    return chosen_settings(config) if config.exists() else Settings()


def _by_questions(draft: Draft, config: Path, options: argparse.Namespace) -> int:
    console = Console(emoji=False)  # an address may hold `:b:`
    console.print("[bold]affectd setup[/]: Enter takes what stands in brackets, Ctrl-C leaves everything as it was.")
    draft = draft if options.purpose else ask_purpose(console, draft)
    draft = draft if options.node else ask_node(console, draft)
    draft = settle_broker(console, draft, given=options.broker is not None)
    draft = settle_camera(console, draft, given=options.camera is not None)
    draft = settle_microphone(console, draft, given=options.microphone is not None)
    require_usable_settings(draft.settings)
    console.print(f"\n[bold]{config}[/]")
    console.print(sparse_toml(draft.settings), markup=False, highlight=False)
    if not Confirm.ask("Write it?", console=console, default=True):
        console.print(UNTOUCHED)
        return 1
    write_draft(draft, config)
    console.print(
        "Written. Next: [bold]sudo systemctl restart affectd[/], then [bold]sudo -u affectd affectd watch[/]."
    )
    return 0


def _by_flags(draft: Draft, config: Path, *, check: bool) -> int:
    if draft.settings.node.purpose in ("", UNSTATED):
        raise ConfigError(f"--purpose is missing: why is the appliance there? One of {', '.join(LAWFUL)}")
    require_usable_settings(draft.settings)
    if check and not _all_sound(draft):
        raise AffectdError(f"{UNTOUCHED}; see above what needs attention, or write it all the same with --skip-checks")
    write_draft(draft, config)
    print(f"written to {config}; next: sudo systemctl restart affectd")
    return 0


def _all_sound(draft: Draft) -> bool:
    sound = True
    for finding in check_all(draft):
        print(finding, flush=True)
        sound = sound and finding.ok
    return sound


def _unattended(path: Path, config: Path) -> int:
    """Faults of the file leave everything as it was; faults of what it names do not: a broker may come up later."""
    try:
        require_writable_config(config)
        require_writable_config(path)  # else it could not be removed, and would undo later changes at each start
        order = read_order(path, config)
        write_draft(order.draft, config, along=order.files)
    except AffectdError as error:
        lines = [f"NOT done, {UNTOUCHED}:", *str(error).split("\n"), "Correct the file and start the machine again."]
        report(path, lines)
        raise
    wipe(path)
    findings = list(check_all(order.draft))
    lines = [f"Done: {config} is written, and the setup file removed.", *map(str, findings)]
    report(path, lines)
    print("\n".join(lines))
    return 0 if all(finding.ok for finding in findings) else DONE_WITH_FINDINGS
