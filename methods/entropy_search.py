"""Entropy Search: full trainings that tell most about the minimum's place (Hennig & Schuler 2012).

"Entropy Search for Information-Efficient Global Optimization", JMLR 13. By default the gain is
computed from joint samples; by expectation propagation, as there, with ``entropy="ep"``.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities
from methods.bayesian.information_gain import InformationGain
from methods.bayesian.model_based import REFIT_ABOVE
from methods.models.kernels import constant_basis
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS
from methods.options import check_flag


class EntropySearch(InformationGain):
    """Full trainings only; the next one gains most information about the best config.

    Recommends the evaluated config with the lowest posterior mean.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities; only the target is used.
        initial_trials: uniform random configs before the model is used; 2 in the Fabolas paper's
            scripts (RoBO at 823a5de).
        per_cost: whether the gain is divided by the predicted cost of the config; the original's
            is not.
        length_scales: range of the length scales, in units of the unit cube's edge.
        hyper_samples: hyperparameter samples of the model.
        mcmc_steps: steps of the sampler that they come from.
        entropy: ``mc``, ``ep`` or ``ep_corrected``; see ``InformationGain``.
        representers: points among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        innovations: outcomes that stand for those of an observation.
        candidates: candidates that are screened, and three times as many around the best of them.
        finalists: candidates that are judged after the screen.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.
        pending: what a running trial's loss is taken for: ``believer``, its posterior mean, or
            ``liar``, the lowest loss seen.
        refit_every: above ``refit_above`` finished trials, hyperparameters are from before the
            latest trial whose number is a multiple of this.
        refit_above: up to so many, they are of all finished trials.

    Raises:
        ValueError: an option outside what is allowed.
    """

    version = 6

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 2,
        per_cost: bool = False,
        length_scales: Sequence[float] = LENGTH_SCALES,
        hyper_samples: int = 10,
        mcmc_steps: int = STEPS,
        entropy: str = "mc",
        representers: int = 30,
        draws: int = 512,
        innovations: int = 33,
        candidates: int = 200,
        finalists: int = 20,
        loss_transform: str = "log",
        pending: str = "believer",
        refit_every: int = 10,
        refit_above: int = REFIT_ABOVE,
    ) -> None:
        check_flag("per_cost", per_cost)
        super().__init__(
            space,
            Fidelities(),
            constant_basis,
            cost_basis=constant_basis if per_cost else None,
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
            loss_transform=loss_transform,
            pending=pending,
            refit_every=refit_every,
            refit_above=refit_above,
            only=(1.0,),
        )
