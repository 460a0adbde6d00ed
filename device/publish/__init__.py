"""Estimates to the world. Nothing here can name a picture or a sound."""
