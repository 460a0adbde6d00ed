"""A net that has learnt teaches the next one: its answers become part of what that one aims at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from quiet import QUIET_TENSORFLOW

from quantize.datasets import Samples
from quantize.inputs.front_ends import FACE
from quantize.training.architectures import affectd_face
from quantize.training.batches import targets_of
from quantize.training.distillation import distilled

Aims = NDArray[np.float32]

pytestmark = [*QUIET_TENSORFLOW, pytest.mark.slow]


@pytest.fixture(scope="module")
def teacher() -> object:
    import tf_keras

    tf_keras.utils.set_random_seed(1)
    return affectd_face(tf_keras)


def aims_of(samples: Samples, teacher: object, share: float) -> Aims:
    return np.asarray(targets_of(distilled(samples, teacher=teacher, front_end=FACE, share=share)), dtype=np.float32)


def faces(targets: NDArray[np.float64]) -> Samples:
    pixels = np.random.default_rng(1).integers(0, 256, (len(targets), 48, 48), dtype=np.uint8)
    names = [str(i) for i in range(len(targets))]
    return Samples(names, list(pixels), np.arange(len(targets)) % 7, names, targets.astype(np.float32))


def test_a_share_of_the_targets_is_the_teachers_answer_to_the_face_and_its_mirror_image(teacher: object) -> None:
    own = faces(np.eye(7)[np.arange(10) % 7][:, np.newaxis].repeat(2, axis=1))
    alone, half = aims_of(own, teacher, 1.0), aims_of(own, teacher, 0.5)
    np.testing.assert_allclose(half, (alone + targets_of(own)) / 2, atol=1e-6)
    np.testing.assert_allclose(alone.sum(axis=-1), 1, atol=1e-5)
    turned = Samples(own.names, [face[:, ::-1] for face in own.signals], own.labels, own.groups, own.targets)
    np.testing.assert_allclose(alone, aims_of(turned, teacher, 1.0), atol=1e-5)


def test_where_people_said_nothing_the_teacher_still_does(teacher: object) -> None:
    own = faces(np.zeros((3, 2, 7)))
    np.testing.assert_allclose(aims_of(own, teacher, 0.5).sum(axis=-1), 0.5, atol=1e-5)
