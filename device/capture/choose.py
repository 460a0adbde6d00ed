"""Device selection: by its full name, or by any part of it that no other device has."""

from __future__ import annotations

from collections.abc import Sequence

from device.errors import SourceUnavailable


def choose_device(kind: str, wanted: str, names: Sequence[str]) -> int:
    """The position in ``names`` of the one device that ``wanted`` names; case does not matter.

    A full name goes before parts of names; of equal full names the first is taken. Raises ``SourceUnavailable``,
    which lists the devices, when none or several fit. ``kind`` ("microphone") is for the sentence.
    """
    folded = [name.casefold() for name in names]
    if wanted.casefold() in folded:
        return folded.index(wanted.casefold())
    fitting = [i for i, name in enumerate(folded) if wanted.casefold() in name]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        several = listed([names[i] for i in fitting])
        raise SourceUnavailable(f"{kind} {wanted!r} could be any of {several}; use a longer part of its name")
    raise SourceUnavailable(
        f"{kind} {wanted!r} is not there; found: {listed(names)}; plug it in or name another in the configuration"
    )


def listed(names: Sequence[str]) -> str:
    """Names as a sentence shows them."""
    return ", ".join(repr(name) for name in names) or "none"
