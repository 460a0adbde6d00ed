"""Cameras, microphones and files: iterable context managers of ``Frame`` or ``AudioBlock``."""
