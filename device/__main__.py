"""``python -m device`` is ``affectd``."""

import sys

from device.cli import main

sys.exit(main())
