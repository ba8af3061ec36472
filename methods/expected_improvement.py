"""Expected improvement at the target, marginalised over hyperparameters (Snoek et al. 2012)."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np
from scipy.special import logsumexp

from benchmarks.core.arrays import Array
from benchmarks.core.trial import Fidelities
from methods.acquisition.improvement import log_expected_improvement
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import at_target
from methods.bayesian.model_based import ModelBased, Models
from methods.models.gp import Posterior
from methods.models.kernels import constant_basis
from methods.models.training_data import TrainingData
from methods.options import check_counts


@dataclass(eq=False)
class ExpectedImprovement(ModelBased):
    """Selects the full training with the largest expected improvement over the incumbent.

    The incumbent is the config with the lowest posterior mean among those evaluated at the target
    fidelity. The lowest observed loss is not used, because with noisy losses it is too low.

    Raises:
        ValueError: if an option is out of range.
    """

    version = 4
    only = (1.0,)

    _: KW_ONLY
    initial_trials: int = 2
    """number of uniform random configs before the model is used; 2 in the scripts of the Fabolas
    paper (RoBO at 823a5de)"""
    candidates: int = 500
    """number of configs screened at first; each of three refinements screens as many around the
    best"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_counts(candidates=self.candidates)

    def loss_basis(self, s: Array) -> Array:
        return constant_basis(s)

    def _maximise(
        self, models: Models, data: TrainingData, rng: np.random.Generator
    ) -> tuple[Array, float]:
        means = models.loss.mean(at_target(data.all_x, self.target_basis))
        improvement = MarginalImprovement(models.loss, self.target_basis, means.min(axis=1))
        promising = data.all_x[np.argsort(means.mean(axis=0), kind="stable")[:5]]
        return maximise(
            improvement,
            self.space,
            Fidelities(),
            promising,
            self.candidates,
            1,
            rng,
            data.pending,
        )


@dataclass(frozen=True)
class MarginalImprovement:
    """Logarithm of expected improvement, averaged over hyperparameters, at one fidelity."""

    posterior: Posterior
    """loss model with ``m`` hyperparameter samples"""
    basis: Array
    """basis at that fidelity, shape ``(rank,)``"""
    best: Array
    """loss to improve on, for each hyperparameter sample, shape ``(m,)``"""

    def screen(self, x: Array, s: Array) -> Array:
        return self.value(x, s)

    def value(self, x: Array, s: Array) -> Array:
        points = at_target(x, self.basis)
        projected = self.posterior.project(points)
        mean = self.posterior.mean(points, projected)
        sd = np.sqrt(self.posterior.variance(points, projected))
        each = log_expected_improvement(mean, sd, self.best[:, None])
        return np.asarray(logsumexp(each, axis=0) - np.log(len(each)))
