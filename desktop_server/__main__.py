"""``python -m desktop_server`` is ``affectd-server``."""

import sys

from desktop_server.cli import main

if __name__ == "__main__":
    sys.exit(main())
