"""What Fabolas, multi-task Bayesian optimisation and Entropy Search share: the acquisition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.core.space import Array, Space
from benchmarks.core.trial import Fidelities
from methods.acquisition.entropy_ep import EPEntropy
from methods.acquisition.entropy_mc import MonteCarloEntropy
from methods.acquisition.gain_per_cost import CostModel, Gain, GainPerCost
from methods.acquisition.joint import Joint
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import draw_representers
from methods.bayesian.model_based import REFIT_ABOVE, ModelBased, Models
from methods.models.kernels import Basis
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS
from methods.models.training_data import Targets
from methods.options import MEASURED, check_choice, check_counts, check_overhead

ENTROPIES = ("mc", "ep", "ep_corrected")
"""how the minimiser's entropy is computed: from joint samples, by expectation propagation, or by
the latter for all candidates and from samples for the finalists"""


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
        entropy: one of ``ENTROPIES``.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers; not used by ``ep``.
        innovations: outcomes that stand for those of an observation.
        candidates: candidates that are screened, and three times as many around the best of them.
        finalists: candidates that are judged after the screen.
        overhead_in_cost: seconds added to every predicted cost (as in Klein et al. 2017), or
            ``measured``: what the latest trial took to suggest. Such a run cannot be repeated.
        loss_transform: see ``ModelBased``.
        only: see ``ModelBased``.
        diagonal: see ``ModelBased``.
        length_scales: see ``ModelBased``.
        mcmc_steps: see ``ModelBased``.
        pending: see ``ModelBased``.
        refit_every: see ``ModelBased``.
        refit_above: see ``ModelBased``.

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
        entropy: str,
        representers: int,
        draws: int,
        innovations: int,
        candidates: int,
        finalists: int,
        loss_transform: str,
        overhead_in_cost: float | str = 0.0,
        only: Sequence[float] | None = None,
        diagonal: bool = False,
        length_scales: Sequence[float] = LENGTH_SCALES,
        mcmc_steps: int = STEPS,
        pending: str = "believer",
        refit_every: int = 10,
        refit_above: int = REFIT_ABOVE,
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
            length_scales=length_scales,
            mcmc_steps=mcmc_steps,
            pending=pending,
            refit_every=refit_every,
            refit_above=refit_above,
        )
        check_choice("entropy", entropy, ENTROPIES)
        check_counts(draws=draws, innovations=innovations)
        check_counts(representers=representers, candidates=candidates, finalists=finalists)
        check_overhead(overhead_in_cost)
        self.fidelities = fidelities
        self.entropy = entropy
        self.representers = representers
        self.draws = draws
        self.innovations = innovations
        self.candidates = candidates
        self.finalists = finalists
        self.overhead_in_cost = overhead_in_cost
        self.reproducible = overhead_in_cost != MEASURED

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
