"""Sums of regression trees kept as plain arrays: what a fitted ensemble is once fitting is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array

ARRAYS: dict[str, str] = {
    "feature": "<i2",  # (nodes,) which input is looked at; of a leaf 0, whatever it is
    "threshold": "<f8",  # (nodes,) inputs up to this go left
    "left": "<i4",  # (nodes,) number of the next node; of a leaf its own
    "right": "<i4",
    "value": "<f4",  # (nodes, outputs) what a leaf adds; 0 elsewhere
    "root": "<i4",  # (trees,) where each tree begins
}
"""numpy types of a forest's arrays"""
AT_ONCE = 32
"""inputs that walk the trees together: as many as stay in a core's cache"""


@dataclass(frozen=True)
class Forest:
    """Trees with vectors in their leaves, walked all at once; see ``ARRAYS``."""

    feature: NDArray[np.int16]
    threshold: Array
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float32]
    root: NDArray[np.int32]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Forest:
        """The forest whose arrays are called ``<prefix>_<name>``."""
        return cls(**{name: arrays[f"{prefix}_{name}"] for name in ARRAYS})

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """What ``from_arrays`` takes."""
        return {
            f"{prefix}_{name}": np.asarray(getattr(self, name), dtype=kind)
            for name, kind in ARRAYS.items()
        }

    @cached_property
    def _steps(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Features, and where each node leads (right, left), in the type numpy gathers fastest."""
        return self.feature.astype(np.intp), np.stack(
            [self.right, self.left], axis=1
        ).ravel().astype(np.intp)

    def predict(self, inputs: Array) -> Array:
        """Sum over all trees.

        Args:
            inputs: shape ``(m, features)``; rounded to single precision, as scikit-learn does.

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
