"""The appliance's main loop, on its main thread: takes readings, fuses, publishes, and feeds the watchdog."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from device.appliance.privacy import PrivacyFlag
from device.appliance.state_folder import StateFolder
from device.capture.picture_watch import BLACK
from device.errors import AffectdError
from device.monitoring.health import NodeHealth, RateMeter, SystemProbe
from device.monitoring.service import Notifier, Progress
from device.pipeline.blindness import blindness
from device.pipeline.branch_state import STARTING, BranchState, Phase
from device.pipeline.run import ThreadedPipeline
from device.publish.node import NodeSink
from device.publish.publish_policy import Every
from device.readings import Estimate, Reading
from device.stages import Fuser

STEP_S = 0.1
"""How long a step waits for a reading: requests and the broker's news are looked at this often."""

ON_THE_WAY_NS = 250_000_000
"""Signals captured later than this ago may still be with a recogniser: time passes for the fusion behind them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkCounters:
    """Counters of the connection."""

    reconnects: int
    unsent: int
    unheard: int


class AppControl:
    """Control from within: privacy closes the sensors; a request or a signal ends the appliance."""

    def __init__(self, *, pipeline: ThreadedPipeline, privacy: PrivacyFlag, supervised: bool) -> None:
        self._pipeline, self._privacy = pipeline, privacy
        self.supervised = supervised
        self.stopping = False

    def set_privacy(self, active: bool) -> None:
        """Close the sensors or open them, now and after the next start.

        Raises ``AffectdError`` if that cannot be remembered; it is done all the same.
        """
        self._pipeline.pause(active)
        self._privacy.set(active)

    def restart(self, _request: Mapping[str, Any]) -> dict[str, Any]:
        """End, for systemd to start the process again."""
        if not self.supervised:
            raise AffectdError("affectd is not run by systemd here: nothing would start it again; restart it by hand")
        self.stopping = True
        return {"restarting": True}

    def stop(self, *_signal: object) -> None:
        """End soon, in order."""
        self.stopping = True


class Appliance:
    """Steps everything that is not capture or recognition. ``run`` ends at a signal or with the recordings."""

    def __init__(
        self,
        *,
        pipeline: ThreadedPipeline,
        fusion: Fuser,
        node: NodeSink,
        control: AppControl,
        notifier: Notifier,
        store: StateFolder,
        counters: Callable[[], LinkCounters],
        health_s: float,
        models: str = "online",
    ) -> None:
        self._pipeline, self._fusion, self._node = pipeline, fusion, node
        self._control, self._notifier = control, notifier
        self._store, self._counters = store, counters
        self._probe, self._health_due = SystemProbe(), Every(health_s)
        self._frame_rate, self._progress = RateMeter(), Progress()
        self._models = models
        self._published: dict[str, tuple[str, str, bool]] = {}
        self._has_read = False  # since the start, or since no sensor told of the world

    def run(self) -> None:
        """Work until it is stopped. Raises what a branch could not handle."""
        with self._node, self._pipeline:
            self._publish_parts()
            # The broker's answer may come before the first picture: a state of this life must go out before `online`.
            self._publish(self._fusion.lose(time.monotonic_ns(), STARTING))
            self._notifier.ready(self._summary())
            while not self._control.stopping and not self._pipeline.finished:
                self.step()
            self._notifier.stopping()

    def step(self) -> None:
        """Wait a little for a reading; then do what is due."""
        reading = self._pipeline.take(STEP_S)
        now_ns = time.monotonic_ns()
        self._publish(self._fuse(reading, now_ns))
        self._node.poll()
        has_changed = self._publish_parts()
        self._notifier.status(self._summary())
        if self._health_due.due(now_ns) or has_changed:  # a closed camera has no frame rate from now on
            self._store.mend()
            self._node.set_health(self._health(now_ns))
        self._feed_watchdog(now_ns)

    def _publish(self, estimate: Estimate | None) -> None:
        if estimate is not None:
            self._node.publish(estimate)

    def _fuse(self, reading: Reading | None, now_ns: int) -> Estimate | None:
        if reason := blindness(self._pipeline.states, nothing_read=not (reading or self._has_read)):
            self._has_read = False
            return self._fusion.lose(now_ns, reason)  # a reading that is still on its way comes too late
        if reading:
            self._has_read = True
            return self._fusion.step(reading)
        return self._fusion.tick(now_ns - ON_THE_WAY_NS)

    def _publish_parts(self) -> bool:
        """Publish how the parts are, each time that is new, and whether it was."""
        before = dict(self._published)
        for name, branch in self._pipeline.states.items():
            self._publish_part(name, branch.state, branch.reason, _severity(branch), blind=branch.blind)
        problem = self._store.problem
        self._publish_part(
            "store", "degraded" if problem else "online", problem, logging.ERROR if problem else logging.INFO
        )
        return before != self._published

    def _publish_part(self, name: str, state: str, reason: str, severity: int, *, blind: bool = False) -> None:
        if self._published.get(name) == (state, reason, blind):
            return
        self._published[name] = state, reason, blind
        self._node.set_part(name, state, reason or None, blind=blind)
        if reason != STARTING:
            _log.log(severity, "%s %s%s", name, state, f": {reason}" if reason else "")

    def _summary(self) -> str:
        """The state of each part. After an update what was online or dark in this line before must be so again."""
        parts = {
            "broker": "online" if self._node.online else "offline",
            "store": "degraded" if self._store.problem else "online",
            "models": self._models,
        }
        branches = self._pipeline.states
        parts |= {name: "dark" if branch.reason == BLACK else branch.state for name, branch in branches.items()}
        if any(branch.state == "disabled" for branch in branches.values()):
            parts["privacy"] = "on"
        return ", ".join(f"{part} {state}" for part, state in parts.items())

    def _health(self, now_ns: int) -> NodeHealth:
        branches = self._pipeline.states
        camera, link, events = branches.get("camera", BranchState()), self._counters(), self._store.events
        return NodeHealth(
            system=self._probe.read(),
            frame_rate_hz=self._frame_rate_hz(camera, now_ns),
            dropped={
                **{name: branch.dropped for name, branch in branches.items()},
                "readings": self._pipeline.dropped_readings,
                "events": events.dropped,
                "messages": link.unsent,
                "requests": link.unheard,
            },
            queued={
                "readings": self._pipeline.queued_readings,
                "events": events.depth,
                "events_in_memory_only": events.in_memory_only,
            },
            restarts={
                **{name: branch.restarts for name, branch in branches.items()},
                "mqtt": link.reconnects,
                "store": events.begun_anew,
            },
        )

    def _frame_rate_hz(self, camera: BranchState, now_ns: int) -> float | None:
        if camera.state in ("online", "degraded"):
            return self._frame_rate.step(camera.signals, now_ns)
        self._frame_rate.reset()
        return None

    def _feed_watchdog(self, now_ns: int) -> None:
        """The watchdog is for our own work: a driver that does not answer is told of, and the rest goes on."""
        for name, branch in self._pipeline.states.items():
            if branch.phase is Phase.RECOGNISING:
                self._progress.moved(name, branch.moved_ns)
            else:
                self._progress.disable(name)
        self._notifier.feed(self._progress.stuck(now_ns), now_ns)


def _severity(branch: BranchState) -> int:
    is_fault = branch.state in ("offline", "degraded") and not branch.finished
    return logging.WARNING if is_fault else logging.INFO
