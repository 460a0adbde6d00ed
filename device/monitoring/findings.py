"""Findings of checks. Nothing here needs a library: broken ones are among what is found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from device.errors import AffectdError


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``note`` says what was found or, where it is not ``ok``, what is wrong and the remedy."""

    subject: str
    ok: bool
    note: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  {self.subject:<16}{self.note}"


def look(subject: str, examine: Callable[[], str]) -> Finding:
    """What ``examine`` answers, or the expected error that it raises."""
    try:
        return Finding(subject, True, examine())
    except AffectdError as error:
        return Finding(subject, False, str(error))
