"""Information gain about the minimiser at the target, per unit of cost (Klein et al. 2017)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.core.space import Array
from methods.acquisition.entropy import MinimiserEntropy
from methods.models.gp import Posterior
from methods.models.kernels import Points, cost_basis, log_size, loss_basis


@dataclass(frozen=True)
class GainPerCost:
    """``mean_i gain_i(x, s) / (exp(log_cost_i(x, s)) + overhead)`` over paired samples ``i``."""

    entropy: MinimiserEntropy
    loss_powers: Sequence[int]
    """powers of the loss model's basis"""
    log_cost: Posterior
    """model of the log cost in seconds, with as many hyperparameter samples"""
    low: float
    """smallest fidelity of the task"""
    overhead: float = 0.0
    """seconds added to every predicted cost"""

    def screen(self, x: Array, s: Array) -> Array:
        return self._per_cost(self.entropy.screen, x, s)

    def value(self, x: Array, s: Array) -> Array:
        return self._per_cost(self.entropy.gain, x, s)

    def _per_cost(self, gain: Callable[[Points], Array], x: Array, s: Array) -> Array:
        u = log_size(s, self.low)
        # Beyond e^+-50 seconds an extrapolation means nothing, but would overflow.
        log_cost = np.clip(self.log_cost.mean(Points(x, cost_basis(u))), -50, 50)
        cost = np.exp(log_cost) + self.overhead
        return np.asarray((gain(Points(x, loss_basis(u, self.loss_powers))) / cost).mean(axis=0))
