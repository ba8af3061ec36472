"""Predict learning curves of unrecorded configs, with models fitted to recorded curves.

For each curve a model predicts a few numbers: its coordinates in a basis of curves (principal
components of log loss and log test loss) and the logarithm of its total cost. Where each entry is a
training of its own, coordinates in a basis of log costs take the place of the latter. A model is an
ensemble of trees or of perceptrons. No method of this suite uses any of them, so that no method has
the surrogate's own model.
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
from tasks.replay import forest, perceptrons
from tasks.replay.forest import Forest
from tasks.replay.perceptrons import Perceptrons

FAMILIES = ("extra_trees", "boosting", "perceptrons")
SMOOTH: dict[str, str] = {
    **{f"perceptrons_{name}": kind for name, kind in perceptrons.ARRAYS.items()},
    "recorded_range": "<f8",  # (2, 2 epochs + costs) lowest and highest of what ``mean`` averages
}
"""arrays of the perceptrons, which tables of format 1 lack"""
COLUMNS: dict[str, str] = {
    "mean": "<f8",  # (2 epochs + costs,) mean log loss and log test loss per epoch, log costs: one,
    # the total, or, where each entry is a training of its own, one per entry
    "basis": "<f8",  # (outputs, 2 epochs + costs) factor of each output of a model, added to mean
    "cost_shape": "<f8",  # (epochs,) share of the total cost up to each entry; 1 for several costs
    "noise_shape": "<f8",  # (epochs,) sd of log loss, relative to its sd at the target
    **{
        f"{family}_{name}": kind
        for family in ("extra_trees", "boosting", "noise")
        for name, kind in forest.ARRAYS.items()
    },
    **SMOOTH,
}
"""arrays of a fitted surrogate; the forest ``noise`` predicts the log of the sd of log loss

An epoch is one entry of a curve, also where the unit of a task is another.
"""
MARGIN = math.log(1.1)
"""perceptrons may predict 10 % beyond the recorded range; what they predict beyond that is squashed
into another 10 %"""
KEPT = 1024
"""cached predictions: each trial needs those of the evaluated and the recommended config"""


class Curves(NamedTuple):
    """Curves of ``m`` configs; each array has the shape ``(m, epochs)``."""

    loss: Array
    test_loss: Array
    cost: Array
    """cumulative seconds"""


class CurveSurrogate:
    """Predict curves from a fit by ``tasks.replay.fit_curves``."""

    def __init__(
        self, space: Space, meta: Mapping[str, Any], columns: Mapping[str, Any], family: str
    ) -> None:
        """Load a fit from a table.

        Args:
            space: search space.
            meta: ``derived`` (see ``inputs_of``), ``noise`` (a mapping with ``cost``, the sd of log
                cost, and ``correlation``, that of the noise of loss and test loss) and ``losses``
                (lowest and highest predicted loss).
            columns: the arrays listed in ``COLUMNS``.
            family: one of ``FAMILIES``.
        """
        self._space, self._derived = space, meta["derived"]
        self._noise: Mapping[str, float] = meta["noise"]
        self._lowest, self._highest = meta["losses"]
        smooth = family == "perceptrons"
        self._model: Forest | Perceptrons = (Perceptrons if smooth else Forest).from_arrays(
            columns, family
        )
        # trees predict means of recorded values, perceptrons extrapolate
        self._range = columns["recorded_range"] if smooth else None
        self._spread = Forest.from_arrays(columns, "noise")
        self._mean, self._basis = columns["mean"], columns["basis"]
        self._cost_shape, self._noise_shape = columns["cost_shape"], columns["noise_shape"]
        self._known = functools.lru_cache(KEPT)(self._predicted)

    def inputs(self, config: Config) -> Array:
        """Return the inputs of the models, shape ``(features,)``; see ``inputs_of``."""
        return inputs_of(self._space, config, self._derived)

    def predict(self, inputs: Array) -> Curves:
        """Return noiseless curves of m configs.

        Args:
            inputs: shape ``(m, features)``.
        """
        return self._curves(self._logs(inputs))

    def spread(self, inputs: Array) -> Array:
        """Return the sd, over training seeds, of log loss at the target; shape ``(m,)``."""
        return np.exp(self._spread.predict(inputs)[:, 0])

    def mean(self, config: Config) -> Curves:
        """Return the noiseless curve of one config."""
        return self._curves(self._known(*self._space.numbers(config))[0])

    def draw(self, config: Config, seed: int) -> Curves:
        """Return the curve of one config, with the noise of a training seed.

        The noise of a seed is one random number for the whole curve, so that a resumed training
        continues the same curve. The same config and seed always give the same curve.
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
        logs[0, 2 * epochs :] += self._noise["cost"] * z[2]
        return self._curves(logs)

    def _predicted(self, *numbers: float) -> tuple[Array, float]:
        """Return noiseless logarithms of a config, as ``_logs`` does, and its ``spread``."""
        inputs = self.inputs(self._space.from_numbers(numbers))[None]
        return self._logs(inputs), float(self.spread(inputs)[0])

    def _logs(self, inputs: Array) -> Array:
        """Return noiseless logarithms, shape ``(m, 2 epochs + costs)``."""
        logs = self._mean + self._model.predict(inputs) @ self._basis
        return logs if self._range is None else squashed(logs, *self._range)

    def _curves(self, logs: Array) -> Curves:
        epochs = len(self._cost_shape)
        losses = np.clip(np.exp(logs[:, : 2 * epochs]), self._lowest, self._highest)
        cost = np.exp(logs[:, 2 * epochs :]) * self._cost_shape
        # rounded, since the last digits differ between machines
        return Curves(*(np.round(a, 12) for a in (losses[:, :epochs], losses[:, epochs:], cost)))


def families_of(columns: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the families that a table holds: tables of format 1 have no perceptrons."""
    return tuple(family for family in FAMILIES if any(n.startswith(family) for n in columns))


def squashed(logs: Array, lowest: Array, highest: Array) -> Array:
    """Return logarithms of which none is further than ``2 * MARGIN`` beyond its range.

    Up to ``MARGIN`` beyond it they are unchanged; further out they still rise with ``logs``, ever
    more slowly. So two extrapolations keep their order, and no config is best by a plateau.

    Args:
        logs: shape ``(m, k)``.
        lowest: shape ``(k,)``.
        highest: shape ``(k,)``.
    """
    inside = np.clip(logs, lowest - MARGIN, highest + MARGIN)
    return np.asarray(inside + MARGIN * np.tanh((logs - inside) / MARGIN))


def inputs_of(space: Space, config: Config, derived: Mapping[str, Mapping[str, float]]) -> Array:
    """Return a config's coordinates in the unit cube, followed by logarithms of derived products.

    Args:
        space: search space.
        config: a config of the space.
        derived: maps the name of each product to its factors and their powers:
            ``{learning_rate: 1, 1-momentum: -1}`` is learning rate / (1 - momentum).

    Raises:
        ValueError: a factor is not a hyperparameter of the space.
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
