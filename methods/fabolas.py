"""Fabolas: Bayesian optimisation that chooses how much data to train on (Klein et al. 2017).

"Fast Bayesian Optimization of Machine Learning Hyperparameters on Large Datasets", AISTATS 2017.
Numbers that the paper leaves open follow its code, RoBO at 823a5de, without its defects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.core.space import Array, Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.bayesian.information_gain import InformationGain
from methods.bayesian.initial_design import CONFIGS, initial_suggestion
from methods.bayesian.model_based import REFIT_ABOVE
from methods.models.kernels import cost_basis, log_size, loss_basis
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS
from methods.options import check_choice, check_shares

SIGMAS = ("full", "diagonal")
COORDINATES = ("log_fidelity", "fidelity")
INCUMBENTS = ("posterior_mean", "best_seen", "best_at_target")
DESIGNS: dict[str, tuple[float, ...]] = {
    "aistats": (1 / 64, 1 / 32, 1 / 16, 1 / 8) * 2 + (1 / 64, 1 / 32),
    "journal": (1 / 128,) * 8 + (1 / 64,) * 4 + (1 / 32,) * 2 + (1 / 4,),
}
"""fidelities of the initial trials, in order, as in RoBO's scripts for the AISTATS paper (823a5de)
and for the journal version (39fc8af)"""


class Fabolas(InformationGain):
    """Buys, per second of predicted cost, the most information about the best config at the target.

    Log loss and log cost are Gaussian processes over config and fidelity, marginalised over
    hyperparameters.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities.
        initial_design: fidelities of the initial trials: ``aistats`` (10 trials, 1/64 to 1/8),
            ``journal`` (15, most of them 1/128), or a list of shares, one a trial.
        initial_configs: ``sobol``, one space-filling set, or ``random``, uniform, as in the paper.
        loss_powers: powers of ``1 - u`` in the basis of the loss model, besides the constant. With
            ``[2]``, the paper's, two small subsets fix the whole curve, and a wrong extrapolation
            is believed.
        basis_on: what ``u`` is: the logarithm of the fidelity, scaled to [0, 1] (``log_fidelity``,
            what RoBO ran), or the ``fidelity`` itself, as the paper writes. 1 at the target.
        sigma_phi: prior covariance of the basis functions' weights: ``full`` (the paper) or
            ``diagonal`` (what RoBO ran).
        length_scales: range of the length scales, in units of the unit cube's edge.
        hyper_samples: hyperparameter samples of either model.
        mcmc_steps: steps of the sampler that they come from.
        entropy: ``mc``, ``ep`` (the paper) or ``ep_corrected``.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        innovations: outcomes that stand for those of an observation.
        candidates: candidates that are screened, and three times as many around the best of them.
        finalists: candidates that are judged after the screen.
        overhead_in_cost: seconds added to every predicted cost, or ``measured``.
        incumbent: what is recommended: of the evaluated configs, the one with the lowest
            ``posterior_mean`` at the target (AISTATS), or with the lowest loss seen at any fidelity
            (``best_seen``; the journal version's, there "last_seen") or at the target
            (``best_at_target``; nothing before the first such trial).
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.
        pending: what a running trial's loss is taken for: ``believer``, its posterior mean, or
            ``liar``, the lowest loss seen.
        refit_every: above ``refit_above`` finished trials, hyperparameters are from before the
            latest trial whose number is a multiple of this.
        refit_above: up to so many, they are of all finished trials.

    Raises:
        ValueError: a count below 1, a fidelity outside (0, 1], no power, a negative overhead, or
            a choice that is not there.
    """

    version = 7

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_design: str | Sequence[float] = "aistats",
        initial_configs: str = "sobol",
        loss_powers: Sequence[int] = (1, 2),
        basis_on: str = "log_fidelity",
        sigma_phi: str = "full",
        length_scales: Sequence[float] = LENGTH_SCALES,
        hyper_samples: int = 10,
        mcmc_steps: int = STEPS,
        entropy: str = "mc",
        representers: int = 50,
        draws: int = 1024,
        innovations: int = 33,
        candidates: int = 300,
        finalists: int = 10,
        overhead_in_cost: float | str = 1.0,
        incumbent: str = "posterior_mean",
        loss_transform: str = "log",
        pending: str = "believer",
        refit_every: int = 10,
        refit_above: int = REFIT_ABOVE,
    ) -> None:
        shares = _design(initial_design)
        check_choice("incumbent", incumbent, INCUMBENTS)
        check_choice("initial_configs", initial_configs, CONFIGS)
        check_choice("basis_on", basis_on, COORDINATES)
        check_choice("sigma_phi", sigma_phi, SIGMAS)
        if not loss_powers or not all(isinstance(p, int) and p >= 1 for p in loss_powers):
            raise ValueError(f"method.loss_powers={loss_powers}: must be a list of 1, 2, ...")

        def coordinate(s: Array) -> Array:
            return log_size(s, fidelities.low) if basis_on == "log_fidelity" else s

        super().__init__(
            space,
            fidelities,
            lambda s: loss_basis(coordinate(s), tuple(loss_powers)),
            cost_basis=lambda s: cost_basis(coordinate(s)),
            initial_trials=len(shares),
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
            diagonal=sigma_phi == "diagonal",
        )
        self.initial_fidelities = shares
        self.initial_configs = initial_configs
        self.incumbent = incumbent

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        if self.incumbent == "posterior_mean":
            return super().recommend(history, rng)
        best = history.best_seen if self.incumbent == "best_seen" else history.best_at_target
        return None if best is None else best.config

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        shares = self.initial_fidelities
        return initial_suggestion(
            history, self.space, self.fidelities, shares, rng, configs=self.initial_configs
        )


def _design(design: str | Sequence[float]) -> tuple[float, ...]:
    """The fidelities of a design by name, or of one that is given as a list."""
    if isinstance(design, str):
        check_choice("initial_design", design, tuple(DESIGNS))
        return DESIGNS[design]
    check_shares(initial_design=design)
    return tuple(float(share) for share in design)
