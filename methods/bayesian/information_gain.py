"""Acquisition shared by Fabolas, multi-task Bayesian optimisation and Entropy Search."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from benchmarks.core.arrays import Array
from methods.acquisition.entropy_ep import EPEntropy
from methods.acquisition.entropy_mc import MonteCarloEntropy
from methods.acquisition.gain_per_cost import CostModel, Gain, GainPerCost
from methods.acquisition.maximise import maximise
from methods.acquisition.representer_posterior import RepresenterPosterior
from methods.acquisition.representers import draw_representers
from methods.bayesian.model_based import ModelBased, Models
from methods.models.training_data import TrainingData
from methods.options import MEASURED, check_choice, check_counts, check_overhead

ENTROPIES = ("mc", "ep", "ep_corrected")
"""estimators of the minimiser's entropy: joint posterior samples (``mc``), expectation
propagation (``ep``), or expectation propagation for screening and samples for the finalists
(``ep_corrected``)"""


@dataclass(eq=False)
class InformationGain(ModelBased):
    """Selects the evaluation that most reduces the minimiser's entropy at the target fidelity.

    With a cost model the information gain is divided by the predicted cost.

    Raises:
        ValueError: if an option is out of range.
    """

    _: KW_ONLY
    entropy: str = "mc"
    """estimator of the minimiser's entropy, one of ``ENTROPIES``"""
    representers: int = 30
    """number of representer points at the target fidelity, the possible minimisers"""
    draws: int = 512
    """number of joint posterior samples of the loss at the representers; not used by ``ep``"""
    innovations: int = 33
    """number of quadrature nodes for the outcome of an evaluation"""
    candidates: int = 200
    """number of candidates screened at first; each of three refinements screens as many around the
    best"""
    finalists: int = 20
    """number of candidates left after screening, whose gain is then computed in full"""

    overhead_in_cost: float | str = field(init=False, default=0.0)
    """seconds added to every predicted cost (as in Klein et al. 2017), or ``measured`` to add the
    CPU seconds of the latest suggestion; such a run is not reproducible"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("entropy", self.entropy, ENTROPIES)
        counts = ("draws", "innovations", "representers", "candidates", "finalists")
        check_counts(**{name: getattr(self, name) for name in counts})
        check_overhead(self.overhead_in_cost)
        self.reproducible = self.overhead_in_cost != MEASURED

    def _maximise(
        self, models: Models, data: TrainingData, rng: np.random.Generator
    ) -> tuple[Array, float]:
        acquisition, representers = self.acquisition(models, data, rng)
        return maximise(
            acquisition,
            self.space,
            self.fidelities,
            representers.reshape(-1, self.space.width),
            self.candidates,
            self.finalists,
            rng,
            data.pending,
        )

    def acquisition(
        self, models: Models, data: TrainingData, rng: np.random.Generator
    ) -> tuple[GainPerCost, Array]:
        """Return the acquisition function and its representers, shape ``(m, R, width)``."""
        representers = draw_representers(
            models.loss, self.space, data.all_x, self.target_basis, self.representers, rng
        )
        screening, gain = self._gains(
            RepresenterPosterior(models.loss, representers, self.target_basis), rng
        )
        cost = None
        if models.log_cost is not None and self.cost_basis is not None:
            added = self.overhead_in_cost
            overhead = data.overhead if isinstance(added, str) else added
            cost = CostModel(models.log_cost, self.cost_basis, overhead)
        return GainPerCost(screening, gain, self.loss_basis, cost), representers

    def _gains(
        self, posterior: RepresenterPosterior, rng: np.random.Generator
    ) -> tuple[Gain, Gain]:
        """Return the information gain for screening and the one for the finalists."""
        if self.entropy == "ep":
            propagated = EPEntropy(posterior, self.innovations)
            return propagated.screen, propagated.gain
        sampled = MonteCarloEntropy(posterior, self.draws, self.innovations, rng)
        if self.entropy == "mc":
            return sampled.screen, sampled.gain
        return EPEntropy(posterior, self.innovations).screen, sampled.gain
