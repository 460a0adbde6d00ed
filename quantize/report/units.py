"""Figures of the goals with their units, and with so many digits more than usual."""

from __future__ import annotations

from quantize.report.wording import percent


def points(value: float, more: int) -> str:
    """A difference of shares."""
    return f"{100 * value:.{1 + more}f} points"


def share(value: float, more: int) -> str:
    """A share in per cent."""
    return f"{percent(value, 1 + more)} %"


def millions(value: float, more: int) -> str:
    """A large count."""
    return f"{value / 1e6:.{1 + more}f} M"


def small(value: float, more: int) -> str:
    """A calibration error."""
    return f"{value:.{3 + more}f}"


def megabytes(value: float, more: int) -> str:
    """The size of files."""
    return f"{value / 1e6:.{2 + more}f} MB"
