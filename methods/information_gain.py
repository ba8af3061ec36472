"""What Fabolas, multi-task Bayesian optimisation and Entropy Search share: the acquisition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.core.space import Array, Space
from benchmarks.core.trial import Fidelities
from methods.acquisition.entropy import MinimiserEntropy
from methods.acquisition.gain_per_cost import CostModel, GainPerCost
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import draw_representers
from methods.model_based import ModelBased, Models
from methods.models.kernels import Basis
from methods.options import check_counts
from methods.targets import Targets


class InformationGain(ModelBased):
    """Evaluates what tells most about the place of the minimum at the target.

    The gain is divided by the predicted cost if there is a cost model. What is not described here
    is as in ``ModelBased``.

    Args:
        space: the task's configs.
        fidelities: the fidelities to choose among.
        loss_basis: see ``ModelBased``.
        cost_basis: None for the gain alone.
        initial_trials: see ``ModelBased``.
        hyper_samples: see ``ModelBased``.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        candidates: candidates that are screened, and again around the best of them.
        finalists: candidates whose information gain is computed exactly.
        overhead_in_cost: seconds added to every predicted cost.
        loss_transform: see ``ModelBased``.
        only: see ``ModelBased``.
        diagonal: see ``ModelBased``.

    Raises:
        ValueError: an option outside what is allowed.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        loss_basis: Basis,
        *,
        cost_basis: Basis | None,
        initial_trials: int,
        hyper_samples: int,
        representers: int,
        draws: int,
        candidates: int,
        finalists: int,
        loss_transform: str,
        overhead_in_cost: float = 0.0,
        only: Sequence[float] | None = None,
        diagonal: bool = False,
    ) -> None:
        super().__init__(
            space,
            loss_basis,
            cost_basis=cost_basis,
            initial_trials=initial_trials,
            hyper_samples=hyper_samples,
            loss_transform=loss_transform,
            only=only,
            diagonal=diagonal,
        )
        check_counts(
            representers=representers, draws=draws, candidates=candidates, finalists=finalists
        )
        if not overhead_in_cost >= 0:
            raise ValueError(f"method.overhead_in_cost={overhead_in_cost}: must be 0 or more")
        self.fidelities = fidelities
        self.representers = representers
        self.draws = draws
        self.candidates = candidates
        self.finalists = finalists
        self.overhead_in_cost = overhead_in_cost

    def _maximise(
        self, models: Models, targets: Targets, rng: np.random.Generator
    ) -> tuple[Array, float]:
        places = draw_representers(
            models.loss, self.space, targets.x, self.target_basis, self.representers, rng
        )
        entropy = MinimiserEntropy(models.loss, places, self.target_basis, self.draws, rng)
        cost = None
        if models.log_cost is not None and self.cost_basis is not None:
            cost = CostModel(models.log_cost, self.cost_basis, self.overhead_in_cost)
        return maximise(
            GainPerCost(entropy, self.loss_basis, cost),
            self.space,
            self.fidelities,
            places.reshape(-1, self.space.width),
            self.candidates,
            self.finalists,
            rng,
        )
