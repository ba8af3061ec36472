"""The talk's Multitask, as SigOpt open-sourced it (libsigopt 1.0.0, sigoptlite 0.1.2).

``libsigopt/views/rest/gp_next_points_categorical.py`` and ``compute/multitask_*.py``; the product
of 2019 may have differed.
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
from methods.bayesian.fidelity_choice import offered_values
from methods.bayesian.initial_design import initial_suggestion
from methods.bayesian.model_based import ModelBased, Models
from methods.expected_improvement import MarginalImprovement
from methods.models.gp import Posterior
from methods.models.kernels import Points, SmoothKernel, indicator_basis
from methods.models.sampling import fit
from methods.models.training_data import Pending, Targets
from methods.options import check_counts, check_shares


@dataclass(eq=False)
class Multitask(ModelBased):
    """Draws the fidelity by its nominal cost, then maximises expected improvement per cost there.

    Fidelities are drawn with probabilities proportional to ``exp(-nominal cost)``: no model has a
    say. What is improved upon is the best of all trials, each at its own fidelity, as in libsigopt:
    here the lowest posterior mean. The loss model is smooth over the nominal cost
    (``SmoothKernel``). Recommends the best config seen at the target; nothing before the first such
    trial.

    Made of this suite's parts, so different from the original: hyperparameters are marginalised,
    not of maximum likelihood; the loss is modelled in logarithms; quasi-random means Sobol. The
    original's C4 kernel over configs is a Matern-5/2 one, by another name.

    Raises:
        ValueError: an option outside what is allowed, or a fidelity that the task does not offer.
    """

    _: KW_ONLY
    fidelity_values: Sequence[float] = (0.114, 0.514, 1.0)
    """shares of the full training to draw from, rising, the last one 1; see ``offered_values``. A
    task that names nominal costs has its own"""
    nominal_costs: Sequence[float] = (0.1, 0.5, 1.0)
    """of each of them, in full trainings, in (0, 1]; the talk's by default"""
    initial_trials: int | None = None  # type: ignore[assignment]
    """quasi-random configs, each at a uniformly drawn fidelity, before the model is used; None for
    twice as many as there are hyperparameters, at least 4"""
    candidates: int = 500
    """configs that are screened, and three times as many around the best of them"""

    def __post_init__(self) -> None:
        drawn = _drawn(self.fidelity_values, self.nominal_costs, self.fidelities)
        self.values, self.costs = drawn
        self.only = self.values
        if self.initial_trials is None:
            self.initial_trials = max(2 * len(self.space.names), 4)
        super().__post_init__()
        check_counts(candidates=self.candidates)
        weights = np.exp(-np.array(self.costs))
        self.probabilities = weights / weights.sum()
        """of drawing each of the fidelities, shape ``(number of them,)``"""
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
        self, models: Models, targets: Targets, rng: np.random.Generator
    ) -> tuple[Array, float]:
        drawn = int(rng.choice(len(self.values), p=self.probabilities))
        share, basis = self.values[drawn], np.eye(len(self.values))[drawn]
        acquisition = self.acquisition(models, targets, drawn)
        means = models.loss.mean(at_target(targets.known, basis)).mean(axis=0)
        promising = targets.known[np.argsort(means, kind="stable")[:5]]
        beside = targets.pending
        if beside is not None:  # the search is over configs alone, so all fidelities read 1
            here = beside.x[beside.s == share]
            beside = Pending(here, np.ones(len(here))) if len(here) else None
        x, _ = maximise(
            acquisition, self.space, Fidelities(), promising, self.candidates, 1, rng, beside
        )
        return x, share

    def acquisition(self, models: Models, targets: Targets, drawn: int) -> ImprovementPerCost:
        """The acquisition function at the fidelity of index ``drawn``."""
        s = targets.s if targets.pending is None else np.append(targets.s, targets.pending.s)
        best = models.loss.mean(Points(targets.known, self.loss_basis(s))).min(axis=1)
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


def _drawn(
    values: Sequence[float], costs: Sequence[float], fidelities: Fidelities
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The fidelities to draw from, and what they are said to cost."""
    if fidelities.values is not None and fidelities.nominal is not None:
        return fidelities.values, fidelities.nominal
    check_shares(nominal_costs=costs)
    if len(costs) != len(values):
        raise ValueError(f"method.nominal_costs={costs}: one for each of {values} is needed")
    offered = offered_values(values, fidelities)
    return offered, tuple(float(cost) for cost in costs[-len(offered) :])


@dataclass(frozen=True)
class ImprovementPerCost:
    """Logarithm of expected improvement at a fidelity, per full training's worth of nominal cost.

    At a fidelity drawn beforehand the cost is one number, which moves no maximum.
    """

    improvement: MarginalImprovement
    cost: float

    def screen(self, x: Array, s: Array) -> Array:
        return self.value(x, s)

    def value(self, x: Array, s: Array) -> Array:
        return np.asarray(self.improvement.value(x, s) - np.log(self.cost))
