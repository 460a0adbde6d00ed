"""Source wrapper: the base of what looks at a source's signals or changes them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, Self

from device.stages import Signal, Source


class Through(Generic[Signal]):
    """The wrapped source in everything; what is different is for the subclass to say."""

    def __init__(self, source: Source[Signal]) -> None:
        self._source = source

    def __enter__(self) -> Self:
        self._source.__enter__()
        return self

    def __exit__(self, *exc: object) -> None:
        self._source.__exit__(*exc)

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._source)

    def close(self) -> None:
        """End the iteration soon."""
        self._source.close()

    @property
    def dropped(self) -> int:
        """The wrapped source's."""
        return self._source.dropped

    @property
    def is_finite(self) -> bool:
        """The wrapped source's."""
        return self._source.is_finite

    @property
    def warning(self) -> str:
        """The wrapped source's."""
        return self._source.warning

    @property
    def blind(self) -> bool:
        """The wrapped source's."""
        return self._source.blind
