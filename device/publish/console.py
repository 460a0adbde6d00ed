"""Estimates as lines of text: for people, or the JSON that the broker would carry."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from device.publish.contract import encode
from device.publish.payload import Payloads
from device.readings import UNKNOWN, Estimate, Modality, ModalityState, leader


class ConsoleSink:
    """Prints one line an estimate, and lets go of each at once so that a pipe sees it when it happens."""

    def __init__(self, *, stream: TextIO, payloads: Payloads, as_json: bool = False) -> None:
        self._stream, self._payloads, self._as_json = stream, payloads, as_json

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def publish(self, estimate: Estimate) -> None:
        """Print it."""
        line = encode(self._payloads.state(estimate)).decode() if self._as_json else human_line(estimate)
        self._stream.write(line + "\n")
        self._stream.flush()


def human_line(estimate: Estimate) -> str:
    """``   1.20 s  happy      0.81  face happy 0.84 ×1.00  speech –``, ``   1.20 s  unknown    privacy``."""
    if estimate.label == UNKNOWN:
        return f"{estimate.captured_ns / 1e9:9.2f} s  {estimate.label:<9}  {estimate.reason}"
    parts = "  ".join(f"{m} {_modality_text(estimate.modalities.get(m))}" for m in Modality)
    return f"{estimate.captured_ns / 1e9:9.2f} s  {estimate.label:<9} {estimate.confidence:5.2f}  {parts}"


def _modality_text(state: ModalityState | None) -> str:
    if state is None or not state.present or state.probs is None:
        return "–"
    emotion, share = leader(state.probs)
    return f"{emotion} {share:.2f} ×{state.weight:.2f}"
