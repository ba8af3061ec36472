"""Fabolas: Bayesian optimisation that also chooses the amount of data (Klein et al. 2017).

"Fast Bayesian Optimization of Machine Learning Hyperparameters on Large Datasets", AISTATS 2017.
Settings that the paper leaves open follow its code (RoBO at 823a5de), without its bugs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config
from benchmarks.core.trial import History, Suggestion
from methods.bayesian.information_gain import InformationGain
from methods.bayesian.initial_design import CONFIGS, initial_suggestion
from methods.models.kernels import cost_basis, log_size, loss_basis
from methods.options import check_choice, check_shares

SIGMAS = ("full", "diagonal")
COORDINATES = ("log_fidelity", "fidelity")
INCUMBENTS = ("posterior_mean", "best_seen", "best_at_target")
DESIGNS: dict[str, tuple[float, ...]] = {
    "aistats": (1 / 64, 1 / 32, 1 / 16, 1 / 8) * 2 + (1 / 64, 1 / 32),
    "journal": (1 / 128,) * 8 + (1 / 64,) * 4 + (1 / 32,) * 2 + (1 / 4,),
}
"""fidelities of the initial trials, in order: those of RoBO's scripts for the AISTATS paper
(823a5de) and for the journal version (39fc8af)"""


@dataclass(eq=False)
class Fabolas(InformationGain):
    """Selects the evaluation with the most information about the best config, per second.

    The best config is that at the target fidelity, and seconds are predicted by a cost model.
    Log loss and log cost are modelled by Gaussian processes over config and fidelity, marginalised
    over hyperparameters.

    Raises:
        ValueError: if a count is below 1, a fidelity outside (0, 1], ``loss_powers`` empty, the
            overhead negative, or a choice unknown.
    """

    version = 7

    _: KW_ONLY
    initial_design: str | Sequence[float] = "aistats"
    """fidelities of the initial trials: ``aistats`` (10 trials, 1/64 to 1/8), ``journal`` (15
    trials, most of them at 1/128), or a list of shares, one per trial"""
    initial_configs: str = "sobol"
    """configs of the initial trials: ``sobol``, one space-filling set, or ``random``, uniform as in
    the paper"""
    loss_powers: Sequence[int] = (1, 2)
    """powers of ``1 - u`` in the basis of the loss model, besides the constant. With ``[2]``, as in
    the paper, two small subsets determine the whole learning curve, and the model is confident even
    where its extrapolation is wrong"""
    basis_on: str = "log_fidelity"
    """coordinate ``u``: the logarithm of the fidelity, scaled to [0, 1] (``log_fidelity``, as RoBO
    ran), or the ``fidelity`` itself (as the paper writes); 1 at the target fidelity"""
    sigma_phi: str = "full"
    """prior covariance of the basis functions' weights: ``full`` (paper) or ``diagonal`` (RoBO)"""
    representers: int = 50
    draws: int = 1024
    candidates: int = 300
    finalists: int = 10
    overhead_in_cost: float | str = 1.0
    incumbent: str = "posterior_mean"
    """incumbent: the evaluated config with the lowest ``posterior_mean`` at the target fidelity
    (AISTATS), with the lowest observed loss at any fidelity (``best_seen``; the journal version,
    which calls it "last_seen"), or with the lowest observed loss at the target fidelity
    (``best_at_target``; none before the first such trial)"""

    def __post_init__(self) -> None:
        self.initial_fidelities = _design(self.initial_design)
        self.initial_trials = len(self.initial_fidelities)
        self.diagonal = self.sigma_phi == "diagonal"
        check_choice("incumbent", self.incumbent, INCUMBENTS)
        check_choice("initial_configs", self.initial_configs, CONFIGS)
        check_choice("basis_on", self.basis_on, COORDINATES)
        check_choice("sigma_phi", self.sigma_phi, SIGMAS)
        powers = self.loss_powers
        if not powers or not all(isinstance(p, int) and p >= 1 for p in powers):
            raise ValueError(f"method.loss_powers={powers}: must be a list of 1, 2, ...")
        self.cost_basis = lambda s: cost_basis(self._coordinate(s))
        super().__post_init__()

    def loss_basis(self, s: Array) -> Array:
        return loss_basis(self._coordinate(s), tuple(self.loss_powers))

    def _coordinate(self, s: Array) -> Array:
        return log_size(s, self.fidelities.low) if self.basis_on == "log_fidelity" else s

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
    """Return the fidelities of a named design, or of a design given as a list."""
    if isinstance(design, str):
        check_choice("initial_design", design, tuple(DESIGNS))
        return DESIGNS[design]
    check_shares(initial_design=design)
    return tuple(float(share) for share in design)
