"""Fabolas: Bayesian optimisation that chooses how much data to train on (Klein et al. 2017).

"Fast Bayesian Optimization of Machine Learning Hyperparameters on Large Datasets", AISTATS 2017.
Numbers that the paper leaves open follow its code, RoBO at 823a5de, without its defects.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.acquisition.entropy import MinimiserEntropy
from methods.acquisition.gain_per_cost import GainPerCost
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import at_target, draw_representers
from methods.design import initial_suggestion
from methods.models.gp import Posterior
from methods.models.kernels import Points, cost_basis, log_size, loss_basis
from methods.models.sampling import fit
from methods.targets import Targets, read_targets

TARGET_BASIS = loss_basis(np.ones(1))[0]


class Models(NamedTuple):
    """The fitted models of one history."""

    key: str
    log_loss: Posterior
    log_cost: Posterior


class Fabolas(Method):
    """Buys, per second of predicted cost, the most information about the best config at the target.

    Log loss and log cost are Gaussian processes over config and fidelity, marginalised over
    hyperparameters. Recommends the evaluated config with the lowest posterior mean at the target.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities.
        initial_trials: size of the initial design.
        initial_fidelities: shares of the full training that it cycles through.
        hyper_samples: hyperparameter samples of either model.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        candidates: candidates that are screened, and again around the best of them.
        finalists: candidates whose information gain is computed exactly.
        overhead_in_cost: seconds added to every predicted cost.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 10,
        initial_fidelities: Sequence[float] = (1 / 64, 1 / 32, 1 / 16, 1 / 8),
        hyper_samples: int = 10,
        representers: int = 30,
        draws: int = 512,
        candidates: int = 400,
        finalists: int = 20,
        overhead_in_cost: float = 0.0,
    ) -> None:
        self.space = space
        self.fidelities = fidelities
        self.initial_trials = initial_trials
        self.initial_fidelities = tuple(initial_fidelities)
        self.hyper_samples = hyper_samples
        self.representers = representers
        self.draws = draws
        self.candidates = candidates
        self.finalists = finalists
        self.overhead_in_cost = overhead_in_cost
        self._models: Models | None = None

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        targets = read_targets(history, self.space)
        if len(history) < self.initial_trials or targets is None:
            shares = self.initial_fidelities
            return initial_suggestion(history, self.space, self.fidelities, shares, rng)
        models = self._fit(targets)
        places = draw_representers(
            models.log_loss, self.space, targets.x, TARGET_BASIS, self.representers, rng
        )
        entropy = MinimiserEntropy(models.log_loss, places, TARGET_BASIS, self.draws, rng)
        acquisition = GainPerCost(
            entropy, models.log_cost, self.fidelities.low, self.overhead_in_cost
        )
        promising = places.reshape(-1, self.space.width)
        x, s = maximise(
            acquisition,
            self.space,
            self.fidelities,
            promising,
            self.candidates,
            self.finalists,
            rng,
        )
        return Suggestion(self.space.decode(x), s)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        targets = read_targets(history, self.space)
        if targets is None:
            return None
        means = self._fit(targets).log_loss.mean(at_target(targets.x, TARGET_BASIS))
        return targets.configs[int(np.argmin(means.mean(axis=0)))]

    def _fit(self, targets: Targets) -> Models:
        """Both models of these targets: a function of the data alone, kept until they change."""
        key = targets.key
        if self._models is None or self._models.key != key:
            rng = targets.rng()
            u = log_size(targets.s, self.fidelities.low)
            samples = self.hyper_samples
            self._models = Models(
                key,
                fit(Points(targets.x, loss_basis(u)), targets.log_loss, samples, rng),
                fit(Points(targets.x, cost_basis(u)), targets.log_cost, samples, rng),
            )
        return self._models
