"""Sums of regression trees kept as plain arrays: what a fitted ensemble is once fitting is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

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

    def predict(self, inputs: Array) -> Array:
        """Sum over all trees.

        Args:
            inputs: shape ``(m, features)``; rounded to single precision, as scikit-learn does.

        Returns:
            Shape ``(m, outputs)``.
        """
        single = np.asarray(inputs, dtype=np.float32)
        parts = [self._sum(single[at : at + AT_ONCE]) for at in range(0, len(single), AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.value.shape[1]))

    def _sum(self, inputs: NDArray[np.float32]) -> Array:
        rows = np.arange(len(inputs))[:, None]
        node = np.broadcast_to(self.root, (len(inputs), len(self.root)))
        while True:
            goes_left = inputs[rows, self.feature[node]] <= self.threshold[node]
            deeper = np.where(goes_left, self.left[node], self.right[node])
            if np.array_equal(deeper, node):
                return np.asarray(self.value[node].sum(axis=1, dtype=np.float64))
            node = deeper
