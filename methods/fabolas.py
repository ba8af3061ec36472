"""Fabolas: Bayesian optimisation that chooses how much data to train on (Klein et al. 2017).

"Fast Bayesian Optimization of Machine Learning Hyperparameters on Large Datasets", AISTATS 2017.
Numbers that the paper leaves open follow its code, RoBO at 823a5de, without its defects.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.core.space import Array, Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.design import CONFIGS, initial_suggestion
from methods.information_gain import InformationGain
from methods.models.kernels import cost_basis, log_size, loss_basis
from methods.options import check_choice, check_shares

SIGMAS = ("full", "diagonal")
COORDINATES = ("log_fidelity", "fidelity")


class Fabolas(InformationGain):
    """Buys, per second of predicted cost, the most information about the best config at the target.

    Log loss and log cost are Gaussian processes over config and fidelity, marginalised over
    hyperparameters. Recommends the evaluated config with the lowest posterior mean at the target.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities.
        initial_trials: size of the initial design.
        initial_fidelities: shares of the full training that it cycles through. The AISTATS paper's
            by default; the journal version's are 15 trials: 8 times 1/128, 4 times 1/64, twice
            1/32, and 1/4.
        initial_configs: ``sobol``, one space-filling set, or ``random``, uniform, as in the paper.
        loss_powers: powers of ``1 - u`` in the basis of the loss model, besides the constant. With
            ``[2]``, the paper's, two small subsets fix the whole curve, and a wrong extrapolation
            is believed.
        basis_on: what ``u`` is: the logarithm of the fidelity, scaled to [0, 1] (``log_fidelity``,
            what RoBO ran), or the ``fidelity`` itself, as the paper writes. 1 at the target.
        sigma_phi: prior covariance of the basis functions' weights: ``full`` (the paper) or
            ``diagonal`` (what RoBO ran).
        hyper_samples: hyperparameter samples of either model.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        candidates: candidates that are screened, and again around the best of them.
        finalists: candidates whose information gain is computed exactly.
        overhead_in_cost: seconds added to every predicted cost.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.

    Raises:
        ValueError: a count below 1, a fidelity outside (0, 1], no power, a negative overhead, or a
            choice that is not there.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 10,
        initial_fidelities: Sequence[float] = (1 / 64, 1 / 32, 1 / 16, 1 / 8),
        initial_configs: str = "sobol",
        loss_powers: Sequence[int] = (1, 2),
        basis_on: str = "log_fidelity",
        sigma_phi: str = "full",
        hyper_samples: int = 10,
        representers: int = 30,
        draws: int = 512,
        candidates: int = 400,
        finalists: int = 20,
        overhead_in_cost: float = 0.0,
        loss_transform: str = "log",
    ) -> None:
        check_shares(initial_fidelities=initial_fidelities)
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
            initial_trials=initial_trials,
            hyper_samples=hyper_samples,
            representers=representers,
            draws=draws,
            candidates=candidates,
            finalists=finalists,
            overhead_in_cost=overhead_in_cost,
            loss_transform=loss_transform,
            diagonal=sigma_phi == "diagonal",
        )
        self.initial_fidelities = tuple(initial_fidelities)
        self.initial_configs = initial_configs

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        shares = self.initial_fidelities
        return initial_suggestion(
            history, self.space, self.fidelities, shares, rng, configs=self.initial_configs
        )
