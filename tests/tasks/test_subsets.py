from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tasks.subsets import stratified_order

labels = st.lists(st.integers(0, 6), min_size=1, max_size=200).map(np.array)
skewed = st.lists(st.integers(1, 60), min_size=1, max_size=7).map(
    lambda sizes: np.repeat(np.arange(len(sizes)), sizes)
)
seeds = st.integers(0, 2**32 - 1)


def order_of(y: NDArray[np.int64], seed: int) -> NDArray[np.int64]:
    return stratified_order(y, np.random.default_rng(seed))


@given(labels | skewed, seeds)
def test_every_row_comes_once_and_the_same_rng_gives_the_same_order(
    y: NDArray[np.int64], seed: int
) -> None:
    order = order_of(y, seed)
    assert sorted(order) == list(range(len(y)))
    np.testing.assert_array_equal(order, order_of(y, seed))


@given(labels | skewed, seeds)
def test_each_class_stays_within_the_divisor_methods_bound_of_its_quota(
    y: NDArray[np.int64], seed: int
) -> None:
    """At any length each class is its size x t rounded, for one t common to all classes: within
    1/2 + share x (classes - 2) / 2 rows of its quota. That is below 1 for equal shares.
    """
    classes, sizes = np.unique(y, return_counts=True)
    shares = sizes / len(y)
    counts = np.cumsum(y[order_of(y, seed)][:, None] == classes, axis=0)
    quotas = np.arange(1, len(y) + 1)[:, None] * shares
    bound = np.maximum(0.5 + shares * (len(classes) - 2) / 2, 0)
    assert (np.abs(counts - quotas) <= bound + 1e-9).all()


def test_equal_classes_stay_within_one_row_of_their_quota() -> None:
    y = np.tile(np.arange(10), 50)
    counts = np.cumsum(y[order_of(y, 0)][:, None] == np.arange(10), axis=0)
    assert np.abs(counts - np.arange(1, 501)[:, None] / 10).max() < 1


def test_a_rare_class_may_be_absent_from_a_short_subset() -> None:
    y = np.array([0] * 990 + [1] * 10)
    order = order_of(y, 0)
    assert y[order[:49]].sum() == 0
    assert y[order[:1000]].sum() == 10


def test_another_seed_draws_other_rows_in_the_same_class_pattern() -> None:
    y = np.repeat([0, 1, 2], [60, 30, 10])
    first, second = order_of(y, 0), order_of(y, 1)
    assert set(first[:20]) != set(second[:20])
    np.testing.assert_array_equal(
        np.bincount(y[first[:20]], minlength=3), np.bincount(y[second[:20]], minlength=3)
    )
