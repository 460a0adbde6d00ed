"""Knowledge distillation: the answers of a trained net become part of what the next one is trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from quantize.datasets import Samples
from quantize.inputs.front_ends import CorpusFrontEnd
from quantize.training.batches import targets_of


def distilled(samples: Samples, *, teacher: Any, front_end: CorpusFrontEnd, share: float) -> Samples:
    """Pictures whose targets are by ``share`` what ``teacher`` answers, on average, to each and its mirror image.

    A net that learns from one like itself does better than that one (Furlanello et al., 2018): how likely the wrong
    answers are says more than a label does. Where a target weighs less than 1 the teacher's share still weighs whole.
    """
    pictures = front_end.inputs(samples)
    answers = sum(teacher.predict(views, batch_size=256, verbose=0) for views in (pictures, pictures[:, :, ::-1])) / 2
    targets = (1 - share) * targets_of(samples) + share * answers
    return replace(samples, targets=targets.astype(np.float32))
