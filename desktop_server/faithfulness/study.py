"""Faithfulness of the served maps and of other methods', on pictures and voices that no net was trained on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from desktop_server.analysis.explanation import MASKINGS, MaskableInput, mean_background
from desktop_server.comparison.sides import Side
from desktop_server.faithfulness.attribution_methods import attribution_methods
from desktop_server.faithfulness.curves import Areas, areas
from device.arrays import FloatArray
from device.models.net import Net
from device.readings import EMOTIONS, Modality
from quantize.datasets import FER2013, RAVDESS
from quantize.evaluation.bootstrap import Figure, drawn_times
from quantize.evaluation.evaluate import front_end_of, preprocessed

FAITHFULNESS_PROTOCOL = (
    "pictures of FER2013 PrivateTest that do not stand in Training, and RAVDESS F3's clips, drawn with a fixed seed; "
    "the map of the label that the net gives; places are hidden in 20 steps, the most important first, behind a blur "
    "and behind the mean, and both are averaged; gap: insertion less deletion; tenth: how far the label's probability "
    "falls when the most important tenth is hidden; intervals: 95 %, bootstrap over samples"
)
_SEED = 7
_BLUR = 6.0


@dataclass(frozen=True, slots=True)
class MethodFigures:
    """One method's means over the samples. ``lead`` is the served method's gap less this one's, sample by sample."""

    method: str
    deletion: float
    insertion: float
    gap: Figure
    tenth: Figure
    lead: Figure | None
    ms: float


@dataclass(frozen=True, slots=True)
class NetFigures:
    """One net; ``served`` names the method that is served."""

    model: str
    sha256: str
    samples: int
    served: str
    methods: list[MethodFigures]


def compare_explanations(side: Side, root: Path, *, samples: int) -> list[NetFigures]:
    """Both nets of a side. Raises ``AffectdError``."""
    return [_net(side, modality, root, samples) for modality in Modality]


def _net(side: Side, modality: Modality, root: Path, samples: int) -> NetFigures:
    net = side.load_net(modality)
    inputs = [_LabelledInput(MaskableInput(net, values)) for values in _values(net, modality, root, samples)]
    rows, cells = [], MASKINGS[modality].cells
    served = f"masks {cells[0]}×{cells[1]}"
    for name, method in attribution_methods(net, modality, side.models.folder).items():
        started_s = time.process_time()
        maps = [
            method(sample.source, sample.label) for sample in track(inputs, f"{net.card.id}, {name}", transient=True)
        ]
        ms = 1000 * (time.process_time() - started_s) / len(inputs)
        rows.append((name, [sample.areas(own) for sample, own in zip(inputs, maps, strict=True)], ms))
    best = next(_gaps(found) for name, found, _ in rows if name == served)
    figures = [_figures(name, found, ms, None if name == served else best) for name, found, ms in rows]
    return NetFigures(net.card.id, net.card.sha256, len(inputs), served, figures)


def _values(net: Net, modality: Modality, root: Path, count: int) -> list[FloatArray]:
    front_end = front_end_of(net)
    pool = FER2013.split(root).clean if modality is Modality.FACE else RAVDESS.split(root).test
    drawn = pool.take(np.random.default_rng(_SEED).permutation(len(pool))[:count])
    return [front_end.served(signal) for signal in preprocessed(net, drawn, modality).signals]


class _LabelledInput:
    """An input, as a picture, and the label that the net gives it."""

    def __init__(self, source: MaskableInput) -> None:
        self.source = source
        whole = source.picture[np.newaxis]
        self.label = max(EMOTIONS, key=lambda emotion: float(source.probs(whole, emotion)[0]))

    def areas(self, shown: FloatArray) -> Areas:
        """Means over both backgrounds."""
        picture = self.source.picture
        blur = np.asarray(cv2.GaussianBlur(picture, (0, 0), _BLUR), dtype=np.float32)
        found = [areas(self._probs, picture, background, shown) for background in (blur, mean_background(picture))]
        return Areas(
            *(float(np.mean([getattr(a, name) for a in found])) for name in ("deletion", "insertion", "tenth"))
        )

    def _probs(self, pictures: FloatArray) -> NDArray[np.float64]:
        return self.source.probs(pictures, self.label)


def _figures(name: str, found: Sequence[Areas], ms: float, best: NDArray[np.float64] | None) -> MethodFigures:
    return MethodFigures(
        method=name,
        deletion=float(np.mean([own.deletion for own in found])),
        insertion=float(np.mean([own.insertion for own in found])),
        gap=_figure(_gaps(found)),
        tenth=_figure(np.array([own.tenth for own in found])),
        lead=None if best is None else _figure(best - _gaps(found)),
        ms=ms,
    )


def _gaps(found: Sequence[Areas]) -> NDArray[np.float64]:
    return np.array([own.gap for own in found])


def _figure(values: NDArray[np.float64]) -> Figure:
    low, high = np.percentile(drawn_times(len(values)) @ values / len(values), [2.5, 97.5])
    return Figure(float(values.mean()), float(low), float(high))
