"""Predict with fitted multilayer perceptrons, stored as plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array

ARRAYS: dict[str, str] = {
    "centre": "<f4",  # (inputs,) subtracted from the inputs
    "scale": "<f4",  # (inputs,) then divides them
    "first": "<f4",  # (members, inputs + 1, units) weights of the first hidden layer
    "second": "<f4",  # (members, units + 1, units) weights of the second hidden layer
    "last": "<f4",  # (members, units + 1, outputs) weights of the outputs, in their own units
}
"""numpy types of an ensemble's arrays; the last row of a layer's weights is its intercept"""
AT_ONCE = 256
"""batch size of prediction; bounds the memory of the hidden layers"""


@dataclass(frozen=True)
class Perceptrons:
    """Perceptrons with two hidden layers of tanh; the arrays are described in ``ARRAYS``."""

    centre: NDArray[np.float32]
    scale: NDArray[np.float32]
    first: NDArray[np.float32]
    second: NDArray[np.float32]
    last: NDArray[np.float32]

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], prefix: str) -> Perceptrons:
        """Return the ensemble whose arrays have the names ``<prefix>_<name>``."""
        return cls(**{name: arrays[f"{prefix}_{name}"] for name in ARRAYS})

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the arrays by name, as ``from_arrays`` expects them."""
        return {
            f"{prefix}_{name}": np.asarray(getattr(self, name), dtype=kind)
            for name, kind in ARRAYS.items()
        }

    def predict(self, inputs: Array) -> Array:
        """Return the mean of the predictions of all members, computed in double precision.

        Args:
            inputs: shape ``(m, inputs)``.

        Returns:
            Shape ``(m, outputs)``.
        """
        parts = [self._mean(inputs[at : at + AT_ONCE]) for at in range(0, len(inputs), AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, self.last.shape[2]))

    def _mean(self, inputs: Array) -> Array:
        centre, scale = self.centre.astype(np.float64), self.scale.astype(np.float64)
        hidden = ((inputs - centre) / scale)[None]
        for weights in (self.first, self.second):
            hidden = np.tanh(_affine(hidden, weights))
        return np.asarray(_affine(hidden, self.last).mean(axis=0))


def _affine(values: Array, weights: NDArray[np.float32]) -> Array:
    """Return the sums of a layer, shape ``(members, m, units)``."""
    double = weights.astype(np.float64)
    return np.asarray(values @ double[:, :-1] + double[:, -1:])
