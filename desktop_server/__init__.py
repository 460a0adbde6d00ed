"""The same pipeline with the full-precision models."""
