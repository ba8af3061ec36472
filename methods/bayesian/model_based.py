"""Base class of the methods on Gaussian processes: initial design, fitting, and incumbent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import NamedTuple

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.acquisition.representers import at_target
from methods.bayesian.refit_schedule import pending_numbers, prefix
from methods.models.gp import Data, Posterior
from methods.models.kernels import Basis, Points
from methods.models.loss_transform import TRANSFORMS, transform_note
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS, fit
from methods.models.training_data import CachedFit, TrainingData, training_data
from methods.options import check_choice, check_counts, check_range

IMPUTATIONS = ("believer", "liar")
"""imputations of a pending trial's loss: its posterior mean (kriging believer), or the lowest
observed loss (constant liar)"""
REFIT_ABOVE = 150


class Models(NamedTuple):
    """Models fitted to one history."""

    loss: Posterior
    """model of the loss, of its logarithm, or of the normal scores of its ranks"""
    log_cost: Posterior | None
    """model of the logarithm of the cost in seconds; None for a method without a cost model"""


@dataclass(eq=False)
class ModelBased(Method):
    """Models the loss with a Gaussian process, marginalised over hyperparameters.

    The incumbent is the evaluated config with the lowest posterior mean at the target fidelity.

    Hyperparameters are fitted to finished trials. Before each suggestion the loss model, but not
    the cost model, is conditioned on the pending trials with imputed losses, so that several
    workers do not get the same suggestion (Ginsbourger, Le Riche & Carraro 2010, "Kriging is
    well-suited to parallelize optimization"). The initial design continues until a trial has
    succeeded.

    Raises:
        ValueError: if an option is out of range.
    """

    space: Space
    fidelities: Fidelities
    _: KW_ONLY
    initial_trials: int = field(init=False)
    """number of trials in the initial design, before the models are used"""
    hyper_samples: int = 10
    """number of hyperparameter samples of each model"""
    mcmc_steps: int = STEPS
    """number of MCMC steps to draw these samples"""
    length_scales: Sequence[float] = LENGTH_SCALES
    """range of the length scales, in units of the unit cube's edge"""
    loss_transform: str = "log"
    """``log`` to model the logarithm of the loss, and ranks once a loss has none (see
    ``transform_in_use``); ``none`` to model the loss itself"""
    pending: str = "believer"
    """imputation of pending trials: posterior mean (``believer``, kriging believer) or lowest
    observed loss (``liar``, constant liar)"""
    refit_every: int = 10
    """once more than ``refit_above`` trials have finished, refit hyperparameters only every
    ``refit_every`` trials; the models always contain all data"""
    refit_above: int = REFIT_ABOVE
    """number of finished trials up to which hyperparameters are refitted for every suggestion"""

    only: Sequence[float] | None = field(init=False, default=None)
    """fidelities whose trials are modelled; None for all"""
    diagonal: bool = field(init=False, default=False)
    """True for a diagonal covariance of the basis functions' weights"""
    cost_basis: Basis | None = field(init=False, default=None)
    """fidelity basis of the cost model; None for a method without one"""

    def __post_init__(self) -> None:
        counts = ("initial_trials", "hyper_samples", "mcmc_steps", "refit_every", "refit_above")
        check_counts(**{name: getattr(self, name) for name in counts})
        check_choice("loss_transform", self.loss_transform, TRANSFORMS)
        check_choice("pending", self.pending, IMPUTATIONS)
        self._scales = check_range("length_scales", self.length_scales)
        self.target_basis = self.loss_basis(np.ones(1))[0]
        self._fit = CachedFit(self._models)

    @abstractmethod
    def loss_basis(self, s: Array) -> Array:
        """Return the fidelity basis of the loss model; ``(n,)`` to ``(n, rank)``."""

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        data = self._read(history)
        if len(history) < self.initial_trials or data is None:
            return self._initial(history, rng)
        models = self._condition_on_pending(self._fitted(history, data), data)
        x, s = self._maximise(models, data, rng)
        note = pending_numbers(history) if self.refit_every > 1 else {}
        return Suggestion(self.space.decode(x), s, {**note, **transform_note(data.transform)})

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        data = self._read(history)
        if data is None:
            return None
        models = self._fitted(history, data)
        return data.best(self._means_at_target(models, data).mean(axis=0))

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        """Return a suggestion of the initial design: by default a uniform full training."""
        return Suggestion(self.space.sample(rng))

    @abstractmethod
    def _maximise(
        self, models: Models, data: TrainingData, rng: np.random.Generator
    ) -> tuple[Array, float]:
        """Return the config, shape ``(width,)``, and fidelity that maximise the acquisition."""

    def _read(self, history: History, transform: str | None = None) -> TrainingData | None:
        """Return the training data; ``transform`` is used in place of ``loss_transform``."""
        transform = transform or self.loss_transform
        return training_data(history, self.space, transform=transform, only=self.only)

    def _means_at_target(self, models: Models, data: TrainingData) -> Array:
        """Return posterior means of the evaluated configs at the target, shape ``(m, n)``."""
        return models.loss.mean(at_target(data.x, self.target_basis))

    def _fitted(self, history: History, data: TrainingData) -> Models:
        """Return models of all finished trials, with the hyperparameters of the latest refit."""
        past = prefix(history, self.refit_every, self.refit_above)
        # transformed as all data are: the first loss without a logarithm may have come since
        earlier = None if past is history else self._read(past, data.transform)
        if earlier is None:
            return self._fit(data)
        models = self._fit(earlier)
        loss = _with_data(models.loss, Points(data.x, self.loss_basis(data.s)), data.loss)
        if models.log_cost is None or self.cost_basis is None:
            return Models(loss, None)
        points = Points(data.x, self.cost_basis(data.s))
        return Models(loss, _with_data(models.log_cost, points, data.log_cost))

    def _condition_on_pending(self, models: Models, data: TrainingData) -> Models:
        """Condition the loss model on the pending trials with imputed losses."""
        if data.pending is None:
            return models
        x, s = data.pending
        points = Points(x, self.loss_basis(s))
        imputed = models.loss.mean(points)
        if self.pending == "liar":
            imputed = np.full_like(imputed, data.loss.min())
        return models._replace(loss=models.loss.condition_on(points, imputed))

    def _models(self, data: TrainingData) -> Models:
        """Fit the models; the result is a function of ``data`` alone."""
        rng = data.rng()
        loss = self._model(Points(data.x, self.loss_basis(data.s)), data.loss, rng)
        if self.cost_basis is None:
            return Models(loss, None)
        points = Points(data.x, self.cost_basis(data.s))
        return Models(loss, self._model(points, data.log_cost, rng))

    def _model(self, points: Points, y: Array, rng: np.random.Generator) -> Posterior:
        return fit(
            points,
            y,
            self.hyper_samples,
            rng,
            diagonal=self.diagonal,
            length_scales=self._scales,
            steps=self.mcmc_steps,
        )


def _with_data(posterior: Posterior, points: Points, y: Array) -> Posterior:
    """Return a posterior with the same hyperparameters, offset and scale, but other data."""
    offset, scale = posterior.offset, posterior.scale
    standardised = Data(points, (y - offset) / scale)
    return Posterior(posterior.kernel, posterior.theta, standardised, offset, scale)
