"""``affectd run``: the appliance."""

from __future__ import annotations

import argparse
import logging

from device.app import run_appliance as run_appliance
from device.config.settings_file import chosen_settings
from device.errors import ModelError
from device.models.sets import active_folder
from device.monitoring.service import log_handler
from device.process.library_lines import library_lines_once


def run(options: argparse.Namespace) -> int:
    """Run until a signal."""
    settings = chosen_settings(options.config)
    with library_lines_once():
        logging.basicConfig(level=settings.log.level.upper(), handlers=[log_handler(AFFECTD_NODE=settings.node.id)])
        try:
            run_appliance(settings)
        except ModelError as error:
            raise _with_the_way_back(error) from error
    return 0


def _with_the_way_back(error: ModelError) -> ModelError:
    """An installed set can be what fails; the package's own is still there."""
    return ModelError(f"{error}; or go back: `affectd models rollback`") if active_folder() else error
