"""Multi-task Bayesian optimisation over a few fidelities (Swersky, Snoek & Adams, NIPS 2013).

As the Fabolas paper compares with it: the tasks are training sets of different sizes. Numbers
follow that paper's code, RoBO at 823a5de.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.bayesian.fidelity_choice import offered_values
from methods.bayesian.information_gain import InformationGain
from methods.bayesian.initial_design import initial_suggestion
from methods.models.kernels import indicator_basis


@dataclass(eq=False)
class MTBO(InformationGain):
    """Buys, per second of predicted cost, the most information, on a finite set of fidelities.

    Losses are one Gaussian process over config and fidelity by intrinsic coregionalisation: any
    covariance between the fidelities, learnt through its Cholesky factor; so are log costs.
    Recommends the evaluated config with the lowest posterior mean at the target. On a task that
    offers the target alone, that is the only fidelity. Trials at other fidelities are not modelled.

    Raises:
        ValueError: an option outside what is allowed, or a fidelity that the task does not offer.
    """

    version = 6

    _: KW_ONLY
    fidelity_values: Sequence[float] = (0.25, 1.0)
    """shares of the full training to choose among, rising, the last one 1. Where the task offers a
    finite set (whole epochs), the nearest of it stands for one less than a tenth away"""
    initial_trials: int = 5
    """uniform random configs before the models are used, at all fidelities but the target, in turn;
    5 in the paper's scripts"""
    overhead_in_cost: float | str = 1.0

    def __post_init__(self) -> None:
        self.only = values = offered_values(self.fidelity_values, self.fidelities)
        self.fidelities = Fidelities(values=values)
        self.auxiliary = values[:-1] or values
        self.cost_basis = self.loss_basis
        super().__post_init__()

    def loss_basis(self, s: Array) -> Array:
        return indicator_basis(s, self.fidelities.values or ())

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        return initial_suggestion(
            history, self.space, self.fidelities, self.auxiliary, rng, configs="random"
        )
