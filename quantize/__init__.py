"""Training, quantization and evaluation of the nets: data sets to nets to int8 files, on a workstation alone."""
