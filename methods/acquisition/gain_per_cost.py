"""Information gain about the minimiser at the target fidelity, per cost (Klein et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.core.arrays import Array
from methods.models.gp import Posterior
from methods.models.kernels import Basis, Points


@dataclass(frozen=True)
class CostModel:
    """Predicted cost of an evaluation, in seconds."""

    log_cost: Posterior
    """model of the log cost, with as many hyperparameter samples as the loss model"""
    basis: Basis
    """fidelity basis of the cost model"""
    overhead: float = 0.0
    """seconds added to every predicted cost"""

    def predict(self, x: Array, s: Array) -> Array:
        """Return the predicted cost in seconds, shape ``(m, k)``.

        Configs ``x`` are ``(k, width)``, fidelities ``s`` are ``(k,)``.
        """
        # Extrapolations beyond e^+-50 seconds are meaningless, and could overflow.
        log_cost = np.clip(self.log_cost.mean(Points(x, self.basis(s))), -50, 50)
        return np.asarray(np.exp(log_cost) + self.overhead)


Gain = Callable[[Points], Array]
"""information gain of observations at ``k`` points, in nats, shape ``(m, k)``"""


@dataclass(frozen=True)
class GainPerCost:
    """Information gain per cost: ``mean_i gain_i(x, s) * mean_j 1 / (cost_j(x, s) + overhead)``.

    Given the data, the hyperparameters of the two models are independent, so their samples ``i``
    and ``j`` can be averaged separately. The expectation equals the mean over pairs that RoBO
    takes, with less noise.
    """

    screening: Gain
    """gain by which candidates are screened"""
    gain: Gain
    """gain by which the finalists are compared"""
    basis: Basis
    """fidelity basis of the loss model"""
    cost: CostModel | None
    """cost model; None to maximise the gain alone"""

    def screen(self, x: Array, s: Array) -> Array:
        return self._per_cost(self.screening, x, s)

    def value(self, x: Array, s: Array) -> Array:
        return self._per_cost(self.gain, x, s)

    def _per_cost(self, gain: Gain, x: Array, s: Array) -> Array:
        mean = gain(Points(x, self.basis(s))).mean(axis=0)
        if self.cost is not None:
            mean = mean * (1 / self.cost.predict(x, s)).mean(axis=0)
        return np.asarray(mean)
