"""Quantiles and sliding minima are NumPy's own, to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from device.features.order_statistics import SlidingMinimum, column_quantiles, quantile

NUMBERS = st.floats(-40, 40)
SHARES = st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0])


@given(values=st.lists(NUMBERS, min_size=1, max_size=128), share=SHARES)
def test_a_quantile_is_that_of_numpy(values: list[float], share: float) -> None:
    assert quantile(sorted(values), share) == np.quantile(values, share)


@given(rows=arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=128), elements=NUMBERS), share=SHARES)
def test_quantiles_of_columns_are_those_of_numpy(rows: NDArray[np.float64], share: float) -> None:
    np.testing.assert_array_equal(column_quantiles(rows, share), np.quantile(rows, share, axis=0))


@given(values=st.lists(st.integers(0, 9).map(float), max_size=60), length=st.integers(1, 12))
def test_a_sliding_minimum_is_the_least_of_the_last_values(values: list[float], length: int) -> None:
    minimum = SlidingMinimum(length)
    assert [minimum.push(value) for value in values] == [
        min(values[max(0, end - length) : end]) for end in range(1, len(values) + 1)
    ]
