"""Entropy Search, with full trainings only (Hennig & Schuler 2012).

"Entropy Search for Information-Efficient Global Optimization", JMLR 13. By default the information
gain is computed from joint posterior samples; ``entropy="ep"`` uses expectation propagation, as the
paper does.
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
    """Selects the full training that gains the most information about the best config.

    The incumbent is the evaluated config with the lowest posterior mean.

    Raises:
        ValueError: if an option is out of range.
    """

    version = 6
    only = (1.0,)

    _: KW_ONLY
    initial_trials: int = 2
    """number of uniform random configs before the model is used; 2 in the scripts of the Fabolas
    paper (RoBO at 823a5de)"""
    per_cost: bool = False
    """True to divide the gain by the predicted cost of the config; the original does not"""

    def __post_init__(self) -> None:
        check_flag("per_cost", self.per_cost)
        self.fidelities = Fidelities()
        self.cost_basis = constant_basis if self.per_cost else None
        super().__post_init__()

    def loss_basis(self, s: Array) -> Array:
        return constant_basis(s)
