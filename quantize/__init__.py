"""The workshop: data sets to trained nets to int8 files. Runs on a workstation, never on the Pi."""
