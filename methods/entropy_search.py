"""Entropy Search: full trainings that tell most about the minimum's place (Hennig & Schuler 2012).

"Entropy Search for Information-Efficient Global Optimization", JMLR 13. By default the gain is
computed from joint samples; by expectation propagation, as there, with ``entropy="ep"``.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

from benchmarks.core.arrays import Array
from benchmarks.core.trial import Fidelities
from methods.bayesian.information_gain import InformationGain
from methods.models.kernels import constant_basis
from methods.options import check_flag


@dataclass(eq=False)
class EntropySearch(InformationGain):
    """Full trainings only; the next one gains most information about the best config.

    Recommends the evaluated config with the lowest posterior mean.

    Raises:
        ValueError: an option outside what is allowed.
    """

    version = 6
    only = (1.0,)

    _: KW_ONLY
    initial_trials: int = 2
    """uniform random configs before the model is used; 2 in the Fabolas paper's scripts (RoBO at
    823a5de)"""
    per_cost: bool = False
    """whether the gain is divided by the predicted cost of the config; the original's is not"""

    def __post_init__(self) -> None:
        check_flag("per_cost", self.per_cost)
        self.fidelities = Fidelities()
        self.cost_basis = constant_basis if self.per_cost else None
        super().__post_init__()

    def loss_basis(self, s: Array) -> Array:
        return constant_basis(s)
