"""Prediction with fitted tree ensembles, stored as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array

ARRAYS: dict[str, str] = {
    "feature": "<i2",  # (nodes,) number of the input that is compared; 0 in leaves
    "threshold": "<f8",  # (nodes,) inputs up to this value go left
    "left": "<i4",  # (nodes,) number of the next node; a leaf has its own number
    "right": "<i4",
    "value": "<f4",  # (nodes, outputs) contribution of a leaf; 0 elsewhere
    "root": "<i4",  # (trees,) number of each tree's root
}
"""numpy types of a forest's arrays"""
AT_ONCE = 32
"""batch size of prediction; its arrays fit into a core's cache"""


@dataclass(frozen=True)
class Forest:
    """Regression trees with a vector in each leaf; the arrays are described in ``ARRAYS``."""

    feature: NDArray[np.int16]
    threshold: Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    root: NDArray[np.int32]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Forest:
        """Return the forest whose arrays have the names ``<prefix>_<name>``."""
        return cls(**{name: arrays[f"{prefix}_{name}"] for name in ARRAYS})

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as ``from_arrays`` expects them."""
        return {
            f"{prefix}_{name}": np.asarray(getattr(self, name), dtype=kind)
            for name, kind in ARRAYS.items()
        }

    @cached_property
    def _steps(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return features, and the children (right, left) of all nodes, as numpy's index type."""
        return self.feature.astype(np.intp), np.stack(
            [self.right, self.left], axis=1
        ).ravel().astype(np.intp)

    def predict(self, inputs: Array) -> Array:
        """Return the sum of the predictions of all trees.

        Args:
            inputs: shape ``(m, features)``; rounded to single precision, as in scikit-learn.

        Returns:
            Shape ``(m, outputs)``.
        """
        rounded = np.asarray(inputs, dtype=np.float32).astype(np.float64)
        parts = [self._sum(rounded[at : at + AT_ONCE]) for at in range(0, len(rounded), AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.value.shape[1]))

    def _sum(self, inputs: Array) -> Array:
        feature, children = self._steps
        flat, start = inputs.ravel(), inputs.shape[1] * np.arange(len(inputs))[:, None]
        node = np.repeat(self.root[None].astype(np.intp), len(inputs), axis=0)
        while True:
            goes_left = flat.take(start + feature.take(node)) <= self.threshold.take(node)
            deeper = children.take(2 * node + goes_left)
            if (deeper == node).all():
                return np.asarray(self.value[node].sum(axis=1, dtype=np.float64))
            node = deeper
