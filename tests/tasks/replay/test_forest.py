from __future__ import annotations

import numpy as np

from tasks.replay.forest import Forest

# x0 <= 0.5 ? (1, 0) : (x1 <= 2 ? (0, 2) : (0, 3)), and a tree that is one leaf: (10, 20)
FOREST = Forest(
    feature=np.array([0, 0, 1, 0, 0, 0], dtype=np.int16),
    threshold=np.array([0.5, 0, 2, 0, 0, 0]),
    left=np.array([1, 1, 3, 3, 4, 5], dtype=np.int32),
    right=np.array([2, 1, 4, 3, 4, 5], dtype=np.int32),
    value=np.array([[0, 0], [1, 0], [0, 0], [0, 2], [0, 3], [10, 20]], dtype=np.float32),
    root=np.array([0, 5], dtype=np.int32),
)


def test_every_tree_adds_what_its_leaf_says() -> None:
    inputs = np.array([[0.0, 9.0], [1.0, 2.0], [1.0, 2.1]])
    np.testing.assert_array_equal(FOREST.predict(inputs), [[11, 20], [10, 22], [10, 23]])


def test_a_threshold_itself_goes_left() -> None:
    np.testing.assert_array_equal(FOREST.predict(np.array([[0.5, 0.0]])), [[11, 20]])


def test_arrays_come_back() -> None:
    again = Forest.from_arrays(FOREST.arrays("x"), "x")
    inputs = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_array_equal(again.predict(inputs), FOREST.predict(inputs))
