"""Multi-task Bayesian optimisation over a few fidelities (Swersky, Snoek & Adams, NIPS 2013).

As the Fabolas paper compares with it: the tasks are training sets of different sizes. Numbers
follow that paper's code, RoBO at 823a5de.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.bayesian.fidelity_choice import offered_values
from methods.bayesian.information_gain import InformationGain
from methods.bayesian.initial_design import initial_suggestion
from methods.bayesian.model_based import REFIT_ABOVE
from methods.models.kernels import indicator_basis
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS


class MTBO(InformationGain):
    """Buys, per second of predicted cost, the most information, on a finite set of fidelities.

    Losses are one Gaussian process over config and fidelity by intrinsic coregionalisation: any
    covariance between the fidelities, learnt through its Cholesky factor; so are log costs.
    Recommends the evaluated config with the lowest posterior mean at the target. On a task that
    offers the target alone, that is the only fidelity. Trials at other fidelities are not modelled.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities.
        fidelity_values: shares of the full training to choose among, rising, the last one 1. Where
            the task offers a finite set (whole epochs), the nearest of it stands for one less than
            a tenth away.
        initial_trials: uniform random configs before the models are used, at all fidelities but
            the target, in turn; 5 in the paper's scripts.
        length_scales: range of the length scales, in units of the unit cube's edge.
        hyper_samples: hyperparameter samples of either model.
        mcmc_steps: steps of the sampler that they come from.
        entropy: ``mc``, ``ep`` or ``ep_corrected``; see ``InformationGain``.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        innovations: outcomes that stand for those of an observation.
        candidates: candidates that are screened, and three times as many around the best of them.
        finalists: candidates that are judged after the screen.
        overhead_in_cost: seconds added to every predicted cost, or ``measured``.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.
        pending: what a running trial's loss is taken for: ``believer``, its posterior mean, or
            ``liar``, the lowest loss seen.
        refit_every: above ``refit_above`` finished trials, hyperparameters are from before the
            latest trial whose number is a multiple of this.
        refit_above: up to so many, they are of all finished trials.

    Raises:
        ValueError: an option outside what is allowed, or a fidelity that the task does not offer.
    """

    version = 6

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        fidelity_values: Sequence[float] = (0.25, 1.0),
        initial_trials: int = 5,
        length_scales: Sequence[float] = LENGTH_SCALES,
        hyper_samples: int = 10,
        mcmc_steps: int = STEPS,
        entropy: str = "mc",
        representers: int = 30,
        draws: int = 512,
        innovations: int = 33,
        candidates: int = 200,
        finalists: int = 20,
        overhead_in_cost: float | str = 1.0,
        loss_transform: str = "log",
        pending: str = "believer",
        refit_every: int = 10,
        refit_above: int = REFIT_ABOVE,
    ) -> None:
        values = offered_values(fidelity_values, fidelities)
        basis = partial(indicator_basis, values=values)
        super().__init__(
            space,
            Fidelities(values=values),
            basis,
            cost_basis=basis,
            initial_trials=initial_trials,
            length_scales=length_scales,
            hyper_samples=hyper_samples,
            mcmc_steps=mcmc_steps,
            entropy=entropy,
            representers=representers,
            draws=draws,
            innovations=innovations,
            candidates=candidates,
            finalists=finalists,
            overhead_in_cost=overhead_in_cost,
            loss_transform=loss_transform,
            pending=pending,
            refit_every=refit_every,
            refit_above=refit_above,
            only=values,
        )
        self.auxiliary = values[:-1] or values

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        return initial_suggestion(
            history, self.space, self.fidelities, self.auxiliary, rng, configs="random"
        )
