"""Marks for tests that bring in TensorFlow."""

from __future__ import annotations

import pytest

# TensorFlow's own modules warn of each other; what is ours stays strict.
QUIET_TENSORFLOW = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning:tensorflow"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
