"""The errors affectd expects, each a sentence for the person who meets it: what, where, and the remedy."""

from __future__ import annotations


class AffectdError(Exception):
    """The base of all expected errors. ``exit_code`` is what the command line ends with."""

    exit_code = 1


class ConfigError(AffectdError):
    """A setting that cannot be used. systemd must not restart into it."""

    exit_code = 78  # EX_CONFIG of sysexits.h


class ModelError(AffectdError):
    """A model file or card that is missing, altered or made for something else."""

    exit_code = 78


class MediaError(AffectdError):
    """A picture, video or sound file that cannot be read."""


class SourceUnavailable(AffectdError):
    """A camera or microphone that is not there at the start."""


class SourceLost(AffectdError):
    """A camera or microphone that went away while in use. The pipeline reports it and tries again."""
