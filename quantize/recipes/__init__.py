"""Every number of a training run, one page for each modality."""
