"""Readings of two modalities to one estimate. Nothing here reads a clock."""
