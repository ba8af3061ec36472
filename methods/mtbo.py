"""Multi-task Bayesian optimisation over a few fidelities (Swersky, Snoek & Adams, NIPS 2013).

As in the comparison of the Fabolas paper (Klein et al. 2017), the tasks are training sets of
different sizes, and settings follow that paper's code (RoBO at 823a5de).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.bayesian.fidelity_choice import snap_fidelities
from methods.bayesian.information_gain import InformationGain
from methods.bayesian.initial_design import initial_suggestion
from methods.models.kernels import indicator_basis


@dataclass(eq=False)
class MTBO(InformationGain):
    """Selects the evaluation with the most information per second, from a few fidelities.

    The loss is one Gaussian process over config and fidelity, by intrinsic coregionalisation: any
    covariance between fidelities is possible, and its Cholesky factor is learnt. The log cost has a
    model of the same form. The incumbent is the evaluated config with the lowest posterior mean at
    the target fidelity. On a task that offers only the target fidelity, no other one is used.
    Trials at fidelities outside the set are not modelled.

    Raises:
        ValueError: if an option is out of range, or the task does not offer a fidelity.
    """

    version = 6

    _: KW_ONLY
    fidelity_values: Sequence[float] = (0.25, 1.0)
    """shares of the full training to choose from, ascending, the last one 1; on a task with a
    finite set of fidelities each is replaced by the nearest one (see ``snap_fidelities``)"""
    initial_trials: int = 5
    """number of uniform random configs before the models are used, at all fidelities below the
    target in turn; 5 in the scripts of the Fabolas paper"""
    overhead_in_cost: float | str = 1.0

    def __post_init__(self) -> None:
        self.only = values = snap_fidelities(self.fidelity_values, self.fidelities)
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
