"""``affectd doctor``: everything the appliance needs, looked at one after the other, each fault with its remedy."""

from __future__ import annotations

import argparse
import platform
from collections.abc import Iterator
from pathlib import Path

from device.monitoring.findings import Finding, look
from device.setup.libraries import check_libraries


def run(options: argparse.Namespace) -> int:
    """Print the findings; the exit code is 1 if one is not ok."""
    findings = []
    for finding in examine(options.config):
        findings.append(finding)
        print(finding, flush=True)
    faults = sum(not finding.ok for finding in findings)
    print(f"{faults} of {len(findings)} need attention" if faults else "everything affectd needs is there")
    return 1 if faults else 0


def examine(config: Path | None) -> Iterator[Finding]:
    """The findings, in the order in which one thing needs another."""
    yield Finding("python", True, f"{platform.python_version()} on {platform.machine()}")
    libraries = look("libraries", check_libraries)
    yield libraries
    if libraries.ok:
        # Not above: they import what was just found to be sound.
        from device.config.settings import DEFAULT_CONFIG
        from device.config.settings_file import chosen_settings
        from device.setup.examination import examine_node
        from device.setup.service_account import installed_service

        yield from examine_node(
            lambda: chosen_settings(config),
            named=str(config or "the installed one, or defaults"),
            service=installed_service() if config in (None, DEFAULT_CONFIG) else None,
        )
