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
from methods.options import check_counts, check_shares
from methods.targets import Targets, read_targets


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
        loss_powers: powers of ``1 - u`` in the basis of the loss model, besides the constant; ``u``
            is the logarithm of the fidelity, 1 at the target. ``[2]`` is the paper's. With one
            power, two small subsets fix the whole curve, and a wrong extrapolation is believed.
        hyper_samples: hyperparameter samples of either model.
        representers: points at the target among which the minimiser is looked for.
        draws: joint samples of the loss at the representers.
        candidates: candidates that are screened, and again around the best of them.
        finalists: candidates whose information gain is computed exactly.
        overhead_in_cost: seconds added to every predicted cost.

    Raises:
        ValueError: a count below 1, a fidelity outside (0, 1], no power, or a negative overhead.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 10,
        initial_fidelities: Sequence[float] = (1 / 64, 1 / 32, 1 / 16, 1 / 8),
        loss_powers: Sequence[int] = (1, 2),
        hyper_samples: int = 10,
        representers: int = 30,
        draws: int = 512,
        candidates: int = 400,
        finalists: int = 20,
        overhead_in_cost: float = 0.0,
    ) -> None:
        check_counts(
            initial_trials=initial_trials,
            hyper_samples=hyper_samples,
            representers=representers,
            draws=draws,
            candidates=candidates,
            finalists=finalists,
        )
        check_shares(initial_fidelities=initial_fidelities)
        if not loss_powers or not all(isinstance(p, int) and p >= 1 for p in loss_powers):
            raise ValueError(f"method.loss_powers={loss_powers}: must be a list of 1, 2, ...")
        if not overhead_in_cost >= 0:
            raise ValueError(f"method.overhead_in_cost={overhead_in_cost}: must be 0 or more")
        self.space = space
        self.fidelities = fidelities
        self.initial_trials = initial_trials
        self.initial_fidelities = tuple(initial_fidelities)
        self.loss_powers = tuple(loss_powers)
        self.target_basis = loss_basis(np.ones(1), self.loss_powers)[0]
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
            models.log_loss, self.space, targets.x, self.target_basis, self.representers, rng
        )
        entropy = MinimiserEntropy(models.log_loss, places, self.target_basis, self.draws, rng)
        acquisition = GainPerCost(
            entropy,
            self.loss_powers,
            models.log_cost,
            self.fidelities.low,
            self.overhead_in_cost,
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
        means = self._fit(targets).log_loss.mean(at_target(targets.x, self.target_basis))
        return targets.best(means.mean(axis=0))

    def _fit(self, targets: Targets) -> Models:
        """Both models of these targets: a function of the data alone, kept until they change."""
        key = targets.key
        if self._models is None or self._models.key != key:
            rng = targets.rng()
            u = log_size(targets.s, self.fidelities.low)
            samples = self.hyper_samples
            self._models = Models(
                key,
                fit(
                    Points(targets.x, loss_basis(u, self.loss_powers)),
                    targets.log_loss,
                    samples,
                    rng,
                ),
                fit(Points(targets.x, cost_basis(u)), targets.log_cost, samples, rng),
            )
        return self._models
