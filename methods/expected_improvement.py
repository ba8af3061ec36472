"""Expected improvement at the target, marginalised over hyperparameters (Snoek et al. 2012)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from benchmarks.core.space import Array, Space
from benchmarks.core.trial import Fidelities
from methods.acquisition.improvement import log_expected_improvement
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import at_target
from methods.bayesian.model_based import REFIT_ABOVE, ModelBased, Models
from methods.models.gp import Posterior
from methods.models.kernels import constant_basis
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS
from methods.models.training_data import Targets
from methods.options import check_counts


class ExpectedImprovement(ModelBased):
    """Full trainings only; the next one maximises expected improvement over the best known.

    The best known is the lowest posterior mean of the configs evaluated at the target, which is
    also the one recommended: with noisy losses, the lowest loss seen is too low.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities; only the target is used.
        initial_trials: uniform random configs before the model is used; 2 in the Fabolas paper's
            scripts (RoBO at 823a5de).
        length_scales: range of the length scales, in units of the unit cube's edge.
        hyper_samples: hyperparameter samples; 10 in those scripts, in two dimensions.
        mcmc_steps: steps of the sampler that they come from.
        candidates: configs that are screened, and three times as many around the best of them.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.
        pending: what a running trial's loss is taken for: ``believer``, its posterior mean, or
            ``liar``, the lowest loss seen.
        refit_every: above ``refit_above`` finished trials, hyperparameters are from before the
            latest trial whose number is a multiple of this.
        refit_above: up to so many, they are of all finished trials.

    Raises:
        ValueError: an option outside what is allowed.
    """

    version = 4

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 2,
        length_scales: Sequence[float] = LENGTH_SCALES,
        hyper_samples: int = 10,
        mcmc_steps: int = STEPS,
        candidates: int = 500,
        loss_transform: str = "log",
        pending: str = "believer",
        refit_every: int = 10,
        refit_above: int = REFIT_ABOVE,
    ) -> None:
        super().__init__(
            space,
            constant_basis,
            initial_trials=initial_trials,
            length_scales=length_scales,
            hyper_samples=hyper_samples,
            mcmc_steps=mcmc_steps,
            loss_transform=loss_transform,
            pending=pending,
            refit_every=refit_every,
            refit_above=refit_above,
            only=(1.0,),
        )
        check_counts(candidates=candidates)
        self.candidates = candidates

    def _maximise(
        self, models: Models, targets: Targets, rng: np.random.Generator
    ) -> tuple[Array, float]:
        means = models.loss.mean(at_target(targets.known, self.target_basis))
        improvement = MarginalImprovement(models.loss, self.target_basis, means.min(axis=1))
        promising = targets.known[np.argsort(means.mean(axis=0), kind="stable")[:5]]
        return maximise(
            improvement,
            self.space,
            Fidelities(),
            promising,
            self.candidates,
            1,
            rng,
            targets.pending,
        )


@dataclass(frozen=True)
class MarginalImprovement:
    """Logarithm of expected improvement at the target, its mean taken over hyperparameters."""

    posterior: Posterior
    """loss model with ``m`` hyperparameter samples"""
    basis: Array
    """the fidelity basis at the target, shape ``(rank,)``"""
    best: Array
    """what is to be improved upon, shape ``(m,)``"""

    def screen(self, x: Array, s: Array) -> Array:
        return self.value(x, s)

    def value(self, x: Array, s: Array) -> Array:
        points = at_target(x, self.basis)
        projected = self.posterior.project(points)
        mean = self.posterior.mean(points, projected)
        sd = np.sqrt(self.posterior.variance(points, projected))
        each = log_expected_improvement(mean, sd, self.best[:, None])
        return np.asarray(logsumexp(each, axis=0) - np.log(len(each)))
