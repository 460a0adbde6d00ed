"""A day of estimates, and what Home Assistant's recorder would write of it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import msgspec
from estimates import estimate

from device.publish.contract import EntityStates
from device.readings import NOBODY, UNCERTAIN, Estimate

LABELS = {"neutral": 50, "happy": 15, UNCERTAIN: 15, "sad": 8, "angry": 6, "surprise": 6}
"""Labels and how often each comes, of 100."""


@dataclass(frozen=True, slots=True)
class Habits:
    """Mean lengths of what a person does. An expression lasts some seconds, a sentence some, a silence minutes."""

    expression_s: float = 6.0
    talk_s: float = 20.0
    silence_s: float = 120.0
    away_every_s: float = 3600.0
    away_s: float = 300.0


RESTLESS = Habits(expression_s=2.0, talk_s=3.0, silence_s=3.0)
"""Another face every two seconds and a word every three, from morning to night and on: nobody is like this."""


def a_day(*, rate_hz: float, habits: Habits = Habits(), hours: float = 24.0, seed: int = 1) -> Iterator[Estimate]:
    """Estimates of one person who sits in front of it, in media time. The same seed is the same day."""
    chance = random.Random(seed)
    label, base, talks, at_s = "neutral", 0.7, False, 0.0
    next_face_s = next_talk_s = 0.0
    away_s = chance.expovariate(1 / habits.away_every_s)
    back_s = away_s + chance.expovariate(1 / habits.away_s)
    while at_s < hours * 3600:
        if at_s >= next_face_s:
            label, base = chance.choices([*LABELS], [*LABELS.values()])[0], chance.uniform(0.45, 0.9)
            next_face_s = at_s + chance.expovariate(1 / habits.expression_s)
        if at_s >= next_talk_s:
            talks = not talks
            next_talk_s = at_s + chance.expovariate(1 / (habits.talk_s if talks else habits.silence_s))
        if at_s >= back_s:
            away_s = at_s + chance.expovariate(1 / habits.away_every_s)
            back_s = away_s + chance.expovariate(1 / habits.away_s)
        is_away = away_s <= at_s < back_s
        points = round(100 * base + chance.gauss(0, 5))
        scene = _scene(NOBODY if is_away else label, points, talks)
        yield replace(scene, captured_ns=round(at_s * 1e9))
        at_s += 1 / rate_hz


@cache
def _scene(label: str, points: int, talks: bool) -> Estimate:
    return estimate(0, label, min(max(points, 5), 100) / 100, speech=talks)


class Recorder:
    """Counts as Home Assistant's does: a row where an entity's state is another than the last."""

    def __init__(self) -> None:
        self._last: EntityStates | None = None
        self.rows = dict.fromkeys((field.name for field in msgspec.structs.fields(EntityStates)), 0)

    def hear(self, states: EntityStates) -> None:
        """What the entities show after a message."""
        if states == self._last:
            return
        for entity in self.rows:
            self.rows[entity] += self._last is None or getattr(states, entity) != getattr(self._last, entity)
        self._last = states
