"""Multitask as in the talk, after SigOpt's open-source code.

Follows ``libsigopt/views/rest/gp_next_points_categorical.py`` and ``compute/multitask_*.py``
(libsigopt 1.0.0, sigoptlite 0.1.2); the product of 2019 may have differed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Config
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.acquisition.maximise import maximise
from methods.acquisition.representers import at_target
from methods.bayesian.fidelity_choice import snap_fidelities
from methods.bayesian.initial_design import initial_suggestion
from methods.bayesian.model_based import ModelBased, Models
from methods.expected_improvement import MarginalImprovement
from methods.models.gp import Posterior
from methods.models.kernels import Points, SmoothKernel, indicator_basis
from methods.models.sampling import fit
from methods.models.training_data import Pending, TrainingData
from methods.options import check_counts, check_shares


@dataclass(eq=False)
class Multitask(ModelBased):
    """Draws a fidelity by its nominal cost, then maximises expected improvement per cost at it.

    Fidelities are drawn with probabilities proportional to ``exp(-nominal cost)``, whatever the
    model predicts. Improvement is measured from the best of all trials, each at its own fidelity,
    as in libsigopt; here the best is the lowest posterior mean. The loss model is smooth over the
    nominal cost (``SmoothKernel``). The incumbent is the config with the lowest observed loss at
    the target fidelity; there is none before the first such trial.

    Built from parts of this suite, so it differs from the original: hyperparameters are
    marginalised instead of set by maximum likelihood, the log loss is modelled, and quasi-random
    configs are a Sobol sequence. The original's C4 kernel over configs is a Matern-5/2 kernel under
    another name.

    Raises:
        ValueError: if an option is out of range, or the task does not offer a fidelity.
    """

    _: KW_ONLY
    fidelity_values: Sequence[float] = (0.114, 0.514, 1.0)
    """shares of the full training to draw from, ascending, the last one 1 (see
    ``snap_fidelities``); not used on a task that defines nominal costs"""
    nominal_costs: Sequence[float] = (0.1, 0.5, 1.0)
    """nominal cost of each fidelity, in full trainings, in (0, 1]; the talk's by default"""
    initial_trials: int | None = None  # type: ignore[assignment]
    """number of quasi-random configs, each at a fidelity drawn uniformly, before the model is used;
    None for twice the number of hyperparameters, at least 4"""
    candidates: int = 500
    """number of configs screened at first; each of three refinements screens as many around the
    best"""

    def __post_init__(self) -> None:
        self.values, self.costs = _fidelities_and_costs(
            self.fidelity_values, self.nominal_costs, self.fidelities
        )
        self.only = self.values
        if self.initial_trials is None:
            self.initial_trials = max(2 * len(self.space.names), 4)
        super().__post_init__()
        check_counts(candidates=self.candidates)
        weights = np.exp(-np.array(self.costs))
        self.probabilities = weights / weights.sum()
        """probability of drawing each fidelity, shape ``(number of fidelities,)``"""
        self.kernel = SmoothKernel(self.space.width, len(self.values), costs=self.costs)

    def loss_basis(self, s: Array) -> Array:
        return indicator_basis(s, self.values)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        best = history.best_at_target
        return None if best is None else best.config

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        chosen = initial_suggestion(history, self.space, self.fidelities, self.values, rng)
        return replace(chosen, fidelity=float(rng.choice(self.values)))

    def _maximise(
        self, models: Models, data: TrainingData, rng: np.random.Generator
    ) -> tuple[Array, float]:
        drawn = int(rng.choice(len(self.values), p=self.probabilities))
        share, basis = self.values[drawn], np.eye(len(self.values))[drawn]
        acquisition = self.acquisition(models, data, drawn)
        means = models.loss.mean(at_target(data.all_x, basis)).mean(axis=0)
        promising = data.all_x[np.argsort(means, kind="stable")[:5]]
        pending = data.pending
        if pending is not None:  # maximise searches configs only, with all fidelities 1
            here = pending.x[pending.s == share]
            pending = Pending(here, np.ones(len(here))) if len(here) else None
        x, _ = maximise(
            acquisition, self.space, Fidelities(), promising, self.candidates, 1, rng, pending
        )
        return x, share

    def acquisition(self, models: Models, data: TrainingData, drawn: int) -> ImprovementPerCost:
        """Return the acquisition function at the fidelity with index ``drawn``."""
        s = data.s if data.pending is None else np.append(data.s, data.pending.s)
        best = models.loss.mean(Points(data.all_x, self.loss_basis(s))).min(axis=1)
        basis = np.eye(len(self.values))[drawn]
        improvement = MarginalImprovement(models.loss, basis, best)
        return ImprovementPerCost(improvement, self.costs[drawn])

    def _model(self, points: Points, y: Array, rng: np.random.Generator) -> Posterior:
        return fit(
            points,
            y,
            self.hyper_samples,
            rng,
            kernel=self.kernel,
            length_scales=self._scales,
            steps=self.mcmc_steps,
        )


def _fidelities_and_costs(
    values: Sequence[float], costs: Sequence[float], fidelities: Fidelities
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the fidelities to draw from and their nominal costs.

    Raises:
        ValueError: if the task does not offer a fidelity, or not every fidelity has one cost.
    """
    if fidelities.values is not None and fidelities.nominal is not None:
        return fidelities.values, fidelities.nominal
    check_shares(nominal_costs=costs)
    if len(costs) != len(values):
        raise ValueError(f"method.nominal_costs={costs}: must have one cost for each of {values}")
    snapped = snap_fidelities(values, fidelities)
    return snapped, tuple(float(cost) for cost in costs[-len(snapped) :])


@dataclass(frozen=True)
class ImprovementPerCost:
    """Logarithm of the ratio of expected improvement to nominal cost, at one fidelity.

    The fidelity is drawn beforehand, so the cost is a constant and does not move the maximum.
    """

    improvement: MarginalImprovement
    cost: float
    """nominal cost of the fidelity, in full trainings"""

    def screen(self, x: Array, s: Array) -> Array:
        return self.value(x, s)

    def value(self, x: Array, s: Array) -> Array:
        return np.asarray(self.improvement.value(x, s) - np.log(self.cost))
