"""The same pipeline with the full-precision models."""

import device  # noqa: F401 - before any library: it sets what they may do on their own
