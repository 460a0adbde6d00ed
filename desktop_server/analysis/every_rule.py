"""Temporal fusion under many rules at once: the same readings are stepped through each, and one is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from device.fusion.temporal import TemporalFusion
from device.readings import Estimate, Reading


class EveryRule:
    """Fusions by their rules, stepped together. What the rule ``told`` says is the answer; all of it is kept."""

    def __init__(self, make: Callable[[str], TemporalFusion], rules: Iterable[str], *, told: str) -> None:
        self._fusions = {rule: make(rule) for rule in {told, *rules}}
        self._estimates: dict[str, list[Estimate]] = {rule: [] for rule in self._fusions}
        self._told = told

    @property
    def estimates(self) -> Mapping[str, Sequence[Estimate]]:
        """Of each rule, in their order."""
        return self._estimates

    def begin_with(self, reading: Reading) -> None:
        """A reading that is there before anything is told."""
        for fusion in self._fusions.values():
            fusion.step(reading)

    def step(self, reading: Reading) -> Estimate:
        """Take a reading in."""
        told = {rule: fusion.step(reading) for rule, fusion in self._fusions.items()}
        for rule, estimate in told.items():
            self._estimates[rule].append(estimate)
        return told[self._told]

    def tick(self, now_ns: int) -> Estimate | None:
        """Let time pass."""
        return self._kept({rule: fusion.tick(now_ns) for rule, fusion in self._fusions.items()})

    def lose(self, now_ns: int, reason: str) -> Estimate | None:
        """Let time pass while no sensor tells of the world."""
        return self._kept({rule: fusion.lose(now_ns, reason) for rule, fusion in self._fusions.items()})

    def _kept(self, told: Mapping[str, Estimate | None]) -> Estimate | None:
        for rule, estimate in told.items():
            if estimate is not None:
                self._estimates[rule].append(estimate)
        return told[self._told]
