"""Content negotiation (RFC 9110, 12.5.1): whether a request prefers a table to JSON."""

from __future__ import annotations

from collections.abc import Mapping

JSON = "application/json"
CSV = "text/csv"


def prefers_csv(accept: str) -> bool:
    """Whether the header's quality values put CSV above JSON; with none, or as equals, JSON is answered."""
    ranges = _ranges(accept)
    return _quality(CSV, ranges) > _quality(JSON, ranges)


def _ranges(accept: str) -> Mapping[str, float]:
    """Quality by media range; a range whose quality is no number counts as not acceptable."""
    found: dict[str, float] = {}
    for written in accept.lower().split(","):
        name, *parameters = (part.strip() for part in written.split(";"))
        if name:
            found[name] = next((_number(p[2:]) for p in parameters if p.startswith("q=")), 1.0)
    return found or {"*/*": 1.0}


def _quality(media_type: str, ranges: Mapping[str, float]) -> float:
    """That of the most specific range."""
    whole = media_type.partition("/")[0] + "/*"
    return next((ranges[name] for name in (media_type, whole, "*/*") if name in ranges), 0.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
