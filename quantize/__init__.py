"""The workshop: data sets to trained nets to int8 files. Runs on a workstation, never on the Pi."""

import device  # noqa: F401 - before any library: it sets what they may do on their own
