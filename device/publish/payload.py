"""Estimates, events and health as the contract's messages: rounded, dated and numbered."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, cast

from device.monitoring.health import NodeHealth
from device.publish import contract
from device.publish.episodes import EpisodeEvent
from device.publish.wall_clock import clock_synced, now_text, rfc3339
from device.readings import EMOTIONS, Emotion, Estimate, ModalityState, Probabilities, RuleName

NONE_READ: Probabilities = (0.0,) * len(EMOTIONS)
"""In place of probabilities where there are none."""

FRACTION_DIGITS = 4
"""Of probabilities, weights, qualities, valence, arousal: a tenth of an int8 step of 1/256."""
MS_DIGITS = 1
HEALTH_DIGITS = 2


class Clock(Protocol):
    """From a capture's monotonic time to the world's."""

    def unix_ns(self, captured_ns: int) -> int:
        """Wall-clock time of the capture."""

    def age_ms(self, captured_ns: int) -> float | None:
        """How long ago the capture was; ``None`` in media time."""

    def synced(self) -> bool | None:
        """Whether the machine's clock is set by a time server; ``None`` if that cannot be known."""


@dataclass(frozen=True, slots=True)
class SystemClock:
    """Live capture: ``captured_ns`` is ``time.monotonic_ns()`` at the sensor."""

    def unix_ns(self, captured_ns: int) -> int:
        """The wall clock of now, less the capture's age: a clock set since then is set for both."""
        return time.time_ns() - (time.monotonic_ns() - captured_ns)

    def age_ms(self, captured_ns: int) -> float:
        """Milliseconds from the capture to now."""
        return (time.monotonic_ns() - captured_ns) / 1e6

    def synced(self) -> bool | None:
        """What the kernel says."""
        return clock_synced()


@dataclass(frozen=True, slots=True)
class MediaClock:
    """Replay: media begin at 1970-01-01 and have no age, so that two runs give the same bytes."""

    def unix_ns(self, captured_ns: int) -> int:
        """The media time itself."""
        return captured_ns

    def age_ms(self, captured_ns: int) -> None:  # noqa: ARG002 - as every clock
        """Nobody waits for it."""
        return

    def synced(self) -> None:
        """Unknown: it is no clock of this world."""
        return


class Payloads:
    """Fills one node's messages. ``boot_id`` names this process life: its last will is told from an older one's."""

    def __init__(self, *, node: str, boot_id: str, model_set: str, clock: Clock) -> None:
        self.node = node
        self.boot_id = boot_id
        self._model_set = model_set
        self._clock = clock
        self._seq = 0

    def state(self, estimate: Estimate) -> contract.State:
        """The fused estimate. Each call takes the next ``seq``."""
        self._seq += 1
        return contract.State(
            node=self.node,
            boot_id=self.boot_id,
            seq=self._seq,
            ts=rfc3339(self._clock.unix_ns(estimate.captured_ns)),
            mono_ns=estimate.captured_ns,
            clock_synced=self._clock.synced(),
            label=estimate.label,
            reason=estimate.reason,
            confidence=_fraction(estimate.confidence),
            valence=_fraction(estimate.valence),
            arousal=_fraction(estimate.arousal),
            probs=_probs(estimate.probs),
            modalities={m: _modality(state) for m, state in estimate.modalities.items()},
            fusion=contract.FusionPart(cast(RuleName, estimate.rule), estimate.uncertain_below, estimate.hold_s),
            latency_ms=contract.Latency(_rounded(self._clock.age_ms(estimate.captured_ns), MS_DIGITS)),
            model_set=self._model_set,
        )

    def event(self, event: EpisodeEvent) -> contract.Event:
        """One event of an episode, not backfilled."""
        return contract.Event(
            node=self.node,
            boot_id=self.boot_id,
            ts=rfc3339(self._clock.unix_ns(event.captured_ns)),
            mono_ns=event.captured_ns,
            clock_synced=self._clock.synced(),
            kind=event.kind.value,
            id=event.id,
            label=Emotion(event.label),
            started_ts=rfc3339(self._clock.unix_ns(event.started_ns)),
            duration_s=round((event.captured_ns - event.started_ns) / 1e9, HEALTH_DIGITS),
            confidence=_fraction(event.confidence),
            peak_confidence=_fraction(event.peak_confidence),
            mean_confidence=_fraction(event.mean_confidence),
            reason=event.reason,
            backfilled=False,
        )

    def status(self, state: contract.NodeState) -> contract.Status:
        """The node's own status: ``online``, ``stopped`` or (the last will, dated when it was left) ``offline``."""
        return contract.Status(state, self.boot_id, now_text())

    def part(self, state: str, reason: str | None, *, blind: bool = False) -> contract.PartStatus:
        """The status of camera, microphone, models or store. ``blind``: what it shows is not believed."""
        return contract.PartStatus(state=cast(contract.PartState, state), reason=reason, blind=blind, ts=now_text())

    def health(self, health: NodeHealth) -> contract.Health:
        """How the appliance is."""
        system: dict[str, Any] = {
            k: round(v, HEALTH_DIGITS) if isinstance(v, float) else v for k, v in asdict(health.system).items()
        }
        return contract.Health(
            node=self.node,
            boot_id=self.boot_id,
            ts=now_text(),
            clock_synced=clock_synced(),
            **system,
            frame_rate_hz=_rounded(health.frame_rate_hz, HEALTH_DIGITS),
            dropped=dict(health.dropped),
            queued=dict(health.queued),
            restarts=dict(health.restarts),
        )

    def info(
        self, *, version: str, models: Mapping[str, str], runtime: str, capabilities: Sequence[str]
    ) -> contract.Info:
        """What runs here; ``models`` is sha256 by model id."""
        return contract.Info(
            node=self.node,
            boot_id=self.boot_id,
            ts=now_text(),
            version=version,
            python=platform.python_version(),
            machine=platform.machine(),
            runtime=runtime,
            state_schema=contract.STATE_SCHEMA,
            model_set=self._model_set,
            models=[contract.ModelId(name, digest) for name, digest in models.items()],
            capabilities=list(capabilities),
        )


def _probs(probs: Probabilities | None) -> dict[Emotion, float]:
    """All 0 where nothing was read: who reads ``probs.happy`` always finds a number."""
    return {e: _fraction(p) for e, p in zip(EMOTIONS, probs or NONE_READ, strict=True)}


def _modality(state: ModalityState) -> contract.ModalityPart:
    return contract.ModalityPart(
        present=state.present,
        age_ms=_rounded(state.age_ms, MS_DIGITS),
        quality=_rounded(state.quality, FRACTION_DIGITS),
        weight=_fraction(state.weight),
        probs=_probs(state.probs),
    )


def _fraction(value: float) -> float:
    # float(): a numpy scalar from a model is no JSON. + 0.0: no "-0.0".
    return round(float(value), FRACTION_DIGITS) + 0.0


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(float(value), digits) + 0.0
