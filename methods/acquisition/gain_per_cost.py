"""Information gain about the minimiser at the target, per unit of cost (Klein et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.core.arrays import Array
from methods.models.gp import Posterior
from methods.models.kernels import Basis, Points


@dataclass(frozen=True)
class CostModel:
    """What an evaluation is predicted to cost, in seconds."""

    log_cost: Posterior
    """model of the log cost, with as many hyperparameter samples as the loss model"""
    basis: Basis
    overhead: float = 0.0
    """seconds added to every predicted cost"""

    def predict(self, x: Array, s: Array) -> Array:
        """Predicted cost of configs ``(k, width)`` at fidelities ``(k,)``; shape ``(m, k)``."""
        # Beyond e^+-50 seconds an extrapolation means nothing, but would overflow.
        log_cost = np.clip(self.log_cost.mean(Points(x, self.basis(s))), -50, 50)
        return np.asarray(np.exp(log_cost) + self.overhead)


Gain = Callable[[Points], Array]
"""information gain of observations at points: ``(k, ...)`` to ``(m, k)``, in nats"""


@dataclass(frozen=True)
class GainPerCost:
    """``mean_i gain_i(x, s) * mean_j 1 / (cost_j(x, s) + overhead)``.

    The hyperparameters of the two models are independent given the data, so the means over their
    samples, ``i`` and ``j``, may be taken apart: the same expectation as over pairs, which RoBO
    takes, with less noise.
    """

    cheap: Gain
    """what candidates are screened by"""
    gain: Gain
    """what the best of them are judged by"""
    basis: Basis
    """basis of the loss model"""
    cost: CostModel | None
    """None for the gain alone"""

    def screen(self, x: Array, s: Array) -> Array:
        return self._per_cost(self.cheap, x, s)

    def value(self, x: Array, s: Array) -> Array:
        return self._per_cost(self.gain, x, s)

    def _per_cost(self, gain: Gain, x: Array, s: Array) -> Array:
        mean = gain(Points(x, self.basis(s))).mean(axis=0)
        if self.cost is not None:
            mean = mean * (1 / self.cost.predict(x, s)).mean(axis=0)
        return np.asarray(mean)
