"""``python -m quantize COMMAND``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from device.process.program import run_program


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status. What goes wrong is one line on stderr."""

    def work() -> int:
        from quantize.command_line import run_command_line  # it needs libraries that not every installation has

        return run_command_line(arguments)

    return run_program("quantize", work, extra="quantize")


if __name__ == "__main__":
    sys.exit(main())
