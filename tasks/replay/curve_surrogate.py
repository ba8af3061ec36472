"""Learning curves at configs that were never trained: ensembles of trees fitted to those that were.

What the trees predict are a few numbers a curve: its coordinates in a basis of curves (principal
components of log loss and log test loss) and the logarithm of its whole cost.
"""

from __future__ import annotations

import functools
import hashlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config, Space
from tasks.replay.forest import ARRAYS, Forest

FAMILIES = ("extra_trees", "boosting")
COLUMNS: dict[str, str] = {
    "mean": "<f8",  # (2 epochs + 1,) log loss and log test loss of each epoch, log cost of all
    "basis": "<f8",  # (outputs, 2 epochs + 1) what each output of the trees adds to the mean
    "cost_shape": "<f8",  # (epochs,) share of the whole cost that is spent after each epoch
    "noise_shape": "<f8",  # (epochs,) noise of log loss, in units of its sd at the target
    **{f"{f}_{name}": kind for f in (*FAMILIES, "noise") for name, kind in ARRAYS.items()},
}
"""arrays of a fitted surrogate; ``noise`` is the forest of the log of log loss' sd at the target"""
KEPT = 1024
"""configs whose prediction is kept: a trial asks for that of the evaluated and the recommended"""


class Curves(NamedTuple):
    """Curves of ``m`` configs, each of shape ``(m, epochs)``."""

    loss: Array
    test_loss: Array
    cost: Array
    """seconds since the start"""


class CurveSurrogate:
    """Replays a fit; see ``tasks.replay.fit_curves`` for how it is made."""

    def __init__(
        self, space: Space, meta: Mapping[str, Any], columns: Mapping[str, Any], family: str
    ) -> None:
        """Take a fit out of a table.

        Args:
            space: of the configs.
            meta: has ``derived`` (see ``inputs_of``), ``noise`` with ``cost``, the sd of log cost,
                and ``correlation``, of the noise of loss and test loss, and ``losses``, the lowest
                and highest replayed.
            columns: ``COLUMNS``.
            family: which of ``FAMILIES``.
        """
        self._space, self._derived = space, meta["derived"]
        self._noise: Mapping[str, float] = meta["noise"]
        self._lowest, self._highest = meta["losses"]
        self._trees = Forest.from_arrays(columns, family)
        self._spread = Forest.from_arrays(columns, "noise")
        self._mean, self._basis = columns["mean"], columns["basis"]
        self._cost_shape, self._noise_shape = columns["cost_shape"], columns["noise_shape"]
        self._known = functools.lru_cache(KEPT)(self._predicted)

    def inputs(self, config: Config) -> Array:
        """What the trees look at; shape ``(features,)``."""
        return inputs_of(self._space, config, self._derived)

    def predict(self, inputs: Array) -> Curves:
        """Curves without noise.

        Args:
            inputs: shape ``(m, features)``.
        """
        return self._curves(self._mean + self._trees.predict(inputs) @ self._basis)

    def spread(self, inputs: Array) -> Array:
        """Standard deviation of log loss at the target between training seeds; shape ``(m,)``."""
        return np.exp(self._spread.predict(inputs)[:, 0])

    def mean(self, config: Config) -> Curves:
        """The curve of one config without noise."""
        return self._curves(self._known(*self._space.numbers(config))[0])

    def draw(self, config: Config, seed: int) -> Curves:
        """One curve with the noise of a training seed.

        How far a seed's loss is from the mean is one number for the whole curve, so that training
        on sees the same curve; the same config and seed always give the same.
        """
        numbers = self._space.numbers(config)
        mean, sd = self._known(*numbers)
        logs = mean.copy()
        z = _rng(numbers, seed).standard_normal(3)
        rho = self._noise["correlation"]
        noise = sd * self._noise_shape
        epochs = len(noise)
        logs[0, :epochs] += noise * z[0]
        logs[0, epochs : 2 * epochs] += noise * (rho * z[0] + math.sqrt(1 - rho**2) * z[1])
        logs[0, -1] += self._noise["cost"] * z[2]
        return self._curves(logs)

    def _predicted(self, *numbers: float) -> tuple[Array, float]:
        """Noiseless logarithms of a config, shape ``(1, 2 epochs + 1)``, and its ``spread``."""
        inputs = self.inputs(self._space.from_numbers(numbers))[None]
        return self._mean + self._trees.predict(inputs) @ self._basis, float(self.spread(inputs)[0])

    def _curves(self, logs: Array) -> Curves:
        epochs = len(self._cost_shape)
        losses = np.clip(np.exp(logs[:, :-1]), self._lowest, self._highest)
        cost = np.exp(logs[:, -1:]) * self._cost_shape
        # the last digits differ between machines
        return Curves(*(np.round(a, 12) for a in (losses[:, :epochs], losses[:, epochs:], cost)))


def inputs_of(space: Space, config: Config, derived: Mapping[str, Mapping[str, float]]) -> Array:
    """A config's coordinates in the unit cube and, after them, the logarithms of derived numbers.

    ``derived`` maps a name to the powers of a product: ``{learning_rate: 1, 1-momentum: -1}`` is
    the learning rate over one minus the momentum.

    Raises:
        ValueError: a name that the space does not have.
    """
    products = [
        sum(power * math.log(_factor(config, name)) for name, power in powers.items())
        for powers in derived.values()
    ]
    return np.append(space.encode(config), products)


def _factor(config: Config, name: str) -> float:
    minus, _, rest = name.rpartition("1-")
    if rest not in config or minus:
        raise ValueError(f"derived: {name} is not a hyperparameter, nor 1-HYPERPARAMETER")
    return float(config[rest] if name == rest else 1 - config[rest])


def _rng(numbers: list[float], seed: int) -> np.random.Generator:
    digest = hashlib.sha256(np.asarray([*numbers, seed], dtype="<f8").tobytes()).digest()
    return np.random.default_rng(np.frombuffer(digest, dtype="<u4"))
