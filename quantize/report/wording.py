"""Formatting of figures for people."""

from __future__ import annotations

from quantize.evaluation.bootstrap import Figure

NOT_MEASURED = "–"


def percent(share: float | None, digits: int = 1) -> str:
    """A share in 0…1 in per cent, without the sign."""
    return NOT_MEASURED if share is None else f"{100 * share:.{digits}f}"


def interval(figure: Figure) -> str:
    """A share with its 95 % interval, in per cent."""
    if figure.low is None or figure.high is None:
        return percent(figure.value)
    return f"{percent(figure.value)} [{percent(figure.low)}–{percent(figure.high)}]"


def change(figure: Figure) -> str:
    """A difference of shares with its 95 % interval, in points and with its sign."""
    signs = [points(end) for end in (figure.value, figure.low, figure.high)]
    return signs[0] if NOT_MEASURED in signs else f"{signs[0]} [{signs[1]} to {signs[2]}]"


def points(difference: float | None) -> str:
    """A difference of shares in points."""
    return NOT_MEASURED if difference is None else f"{100 * difference:+.1f}".replace("-", "−")


def chance(p: float | None) -> str:
    """A p value."""
    if p is None:
        return NOT_MEASURED
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def kilobytes(size_bytes: int) -> str:
    """A file's size."""
    return f"{size_bytes / 1000:,.0f}"
