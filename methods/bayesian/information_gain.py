"""What Fabolas, multi-task Bayesian optimisation and Entropy Search share: the acquisition."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from benchmarks.core.arrays import Array
from methods.acquisition.entropy_ep import EPEntropy
from methods.acquisition.entropy_mc import MonteCarloEntropy
from methods.acquisition.gain_per_cost import CostModel, Gain, GainPerCost
from methods.acquisition.joint import Joint
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import draw_representers
from methods.bayesian.model_based import ModelBased, Models
from methods.models.training_data import Targets
from methods.options import MEASURED, check_choice, check_counts, check_overhead

ENTROPIES = ("mc", "ep", "ep_corrected")
"""how the minimiser's entropy is computed: from joint samples, by expectation propagation, or by
the latter for all candidates and from samples for the finalists"""


@dataclass(eq=False)
class InformationGain(ModelBased):
    """Evaluates what tells most about the place of the minimum at the target.

    The gain is divided by the predicted cost if there is a cost model.

    Raises:
        ValueError: an option outside what is allowed.
    """

    _: KW_ONLY
    entropy: str = "mc"
    """one of ``ENTROPIES``"""
    representers: int = 30
    """points at the target among which the minimiser is looked for"""
    draws: int = 512
    """joint samples of the loss at the representers; not used by ``ep``"""
    innovations: int = 33
    """outcomes that stand for those of an observation"""
    candidates: int = 200
    """candidates that are screened, and three times as many around the best of them"""
    finalists: int = 20
    """candidates that are judged after the screen"""

    overhead_in_cost: float | str = field(init=False, default=0.0)
    """seconds added to every predicted cost (as in Klein et al. 2017), or ``measured``: what the
    latest trial took to suggest. Such a run cannot be repeated"""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("entropy", self.entropy, ENTROPIES)
        counts = ("draws", "innovations", "representers", "candidates", "finalists")
        check_counts(**{name: getattr(self, name) for name in counts})
        check_overhead(self.overhead_in_cost)
        self.reproducible = self.overhead_in_cost != MEASURED

    def _maximise(
        self, models: Models, targets: Targets, rng: np.random.Generator
    ) -> tuple[Array, float]:
        acquisition, places = self.acquisition(models, targets, rng)
        return maximise(
            acquisition,
            self.space,
            self.fidelities,
            places.reshape(-1, self.space.width),
            self.candidates,
            self.finalists,
            rng,
            targets.pending,
        )

    def acquisition(
        self, models: Models, targets: Targets, rng: np.random.Generator
    ) -> tuple[GainPerCost, Array]:
        """The acquisition function, and the representers it is about, ``(m, R, width)``."""
        places = draw_representers(
            models.loss, self.space, targets.known, self.target_basis, self.representers, rng
        )
        cheap, gain = self._gains(Joint(models.loss, places, self.target_basis), rng)
        cost = None
        if models.log_cost is not None and self.cost_basis is not None:
            added = self.overhead_in_cost
            overhead = targets.overhead if isinstance(added, str) else added
            cost = CostModel(models.log_cost, self.cost_basis, overhead)
        return GainPerCost(cheap, gain, self.loss_basis, cost), places

    def _gains(self, joint: Joint, rng: np.random.Generator) -> tuple[Gain, Gain]:
        """The information gain to screen by, and the one to judge by."""
        if self.entropy == "ep":
            propagated = EPEntropy(joint, self.innovations)
            return propagated.screen, propagated.gain
        sampled = MonteCarloEntropy(joint, self.draws, self.innovations, rng)
        if self.entropy == "mc":
            return sampled.screen, sampled.gain
        return EPEntropy(joint, self.innovations).screen, sampled.gain
