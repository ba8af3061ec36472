"""What the methods on our Gaussian processes share: a first design, the fit, and the incumbent."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.core.protocols import Method
from benchmarks.core.space import Array, Config, Space
from benchmarks.core.trial import History, Suggestion
from methods.acquisition.representers import at_target
from methods.bayesian.refit_schedule import beside, prefix
from methods.models.gp import Data, Posterior
from methods.models.kernels import Basis, Points
from methods.models.priors import LENGTH_SCALES
from methods.models.sampling import STEPS, fit
from methods.models.training_data import TRANSFORMS, Latest, Targets, read_targets
from methods.options import check_choice, check_counts, check_range

BELIEFS = ("believer", "liar")
"""what a running trial's loss is taken for: its posterior mean, or the lowest loss seen"""
REFIT_ABOVE = 150


class Models(NamedTuple):
    """The fitted models of one history."""

    loss: Posterior
    """of the loss, or of its logarithm"""
    log_cost: Posterior | None
    """of the logarithm of the cost in seconds; None if the method does not ask for it"""


class ModelBased(Method):
    """Models the loss, marginalised over hyperparameters, and recommends by the model.

    The recommended config is the evaluated one with the lowest posterior mean at the target.

    Hyperparameters are fitted to finished trials. Before the next suggestion the loss model is also
    given the running ones, each with a loss that is only believed (Ginsbourger, Le Riche & Carraro
    2010, "Kriging is well-suited to parallelize optimization"), so that several workers do not get
    the same one; the cost model is not. With nothing finished the initial design goes on.

    Args:
        space: the task's configs.
        loss_basis: fidelity basis of the loss model.
        cost_basis: that of the cost model; None for a method without one.
        initial_trials: trials before the models are used.
        hyper_samples: hyperparameter samples of either model.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.
        only: fidelities whose trials are modelled; None for all.
        diagonal: whether the covariance of the basis functions' weights is diagonal.
        length_scales: range of the length scales, in units of the cube's edge.
        mcmc_steps: steps of the hyperparameters' sampler.
        pending: the loss of a running trial: ``believer``, its posterior mean, which leaves the
            mean where it is, or ``liar``, the lowest loss seen, which drives suggestions apart.
        refit_every: with more than ``refit_above`` finished trials, hyperparameters are those from
            before the latest trial whose number is a multiple of this; the data are always all.
        refit_above: up to so many, they are of all finished trials.

    Raises:
        ValueError: an option outside what is allowed.
    """

    def __init__(
        self,
        space: Space,
        loss_basis: Basis,
        *,
        cost_basis: Basis | None = None,
        initial_trials: int,
        hyper_samples: int,
        loss_transform: str,
        only: Sequence[float] | None = None,
        diagonal: bool = False,
        length_scales: Sequence[float] = LENGTH_SCALES,
        mcmc_steps: int = STEPS,
        pending: str = "believer",
        refit_every: int = 10,
        refit_above: int = REFIT_ABOVE,
    ) -> None:
        check_counts(initial_trials=initial_trials)
        check_counts(hyper_samples=hyper_samples, mcmc_steps=mcmc_steps)
        check_counts(refit_every=refit_every, refit_above=refit_above)
        check_choice("loss_transform", loss_transform, TRANSFORMS)
        check_choice("pending", pending, BELIEFS)
        self.space = space
        self.loss_basis = loss_basis
        self.cost_basis = cost_basis
        self.target_basis = loss_basis(np.ones(1))[0]
        self.initial_trials = initial_trials
        self.hyper_samples = hyper_samples
        self.loss_transform = loss_transform
        self.only = only
        self.diagonal = diagonal
        self.length_scales = check_range("length_scales", length_scales)
        self.mcmc_steps = mcmc_steps
        self.pending = pending
        self.refit_every = refit_every
        self.refit_above = refit_above
        self._fit = Latest(self._models)

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        targets = self._read(history)
        if len(history) < self.initial_trials or targets is None:
            return self._initial(history, rng)
        models = self._believing(self._fitted(history, targets), targets)
        x, s = self._maximise(models, targets, rng)
        note = beside(history) if self.refit_every > 1 else {}
        return Suggestion(self.space.decode(x), s, note)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        targets = self._read(history)
        if targets is None:
            return None
        models = self._fitted(history, targets)
        return targets.best(self._means_at_target(models, targets).mean(axis=0))

    def _initial(self, history: History, rng: np.random.Generator) -> Suggestion:
        """What is evaluated before there is a model: uniform configs at the target."""
        return Suggestion(self.space.sample(rng))

    @abstractmethod
    def _maximise(
        self, models: Models, targets: Targets, rng: np.random.Generator
    ) -> tuple[Array, float]:
        """Maximise the acquisition function: a config, shape ``(width,)``, and a fidelity."""

    def _read(self, history: History) -> Targets | None:
        return read_targets(history, self.space, transform=self.loss_transform, only=self.only)

    def _means_at_target(self, models: Models, targets: Targets) -> Array:
        """Posterior means of the evaluated configs at the target, shape ``(m, n)``."""
        return models.loss.mean(at_target(targets.x, self.target_basis))

    def _fitted(self, history: History, targets: Targets) -> Models:
        """The models of the finished trials; their hyperparameters may be earlier ones."""
        past = prefix(history, self.refit_every, self.refit_above)
        earlier = None if past is history else self._read(past)
        if earlier is None:
            return self._fit(targets)
        models = self._fit(earlier)
        loss = _of(models.loss, Points(targets.x, self.loss_basis(targets.s)), targets.loss)
        if models.log_cost is None or self.cost_basis is None:
            return Models(loss, None)
        points = Points(targets.x, self.cost_basis(targets.s))
        return Models(loss, _of(models.log_cost, points, targets.log_cost))

    def _believing(self, models: Models, targets: Targets) -> Models:
        """The models, that of the loss also given what is believed of the running trials."""
        if targets.pending is None:
            return models
        x, s = targets.pending
        points = Points(x, self.loss_basis(s))
        believed = models.loss.mean(points)
        if self.pending == "liar":
            believed = np.full_like(believed, targets.loss.min())
        return models._replace(loss=models.loss.given(points, believed))

    def _models(self, targets: Targets) -> Models:
        """The models of these targets, a function of the data alone."""
        rng = targets.rng()
        loss = self._model(Points(targets.x, self.loss_basis(targets.s)), targets.loss, rng)
        if self.cost_basis is None:
            return Models(loss, None)
        points = Points(targets.x, self.cost_basis(targets.s))
        return Models(loss, self._model(points, targets.log_cost, rng))

    def _model(self, points: Points, y: Array, rng: np.random.Generator) -> Posterior:
        return fit(
            points,
            y,
            self.hyper_samples,
            rng,
            diagonal=self.diagonal,
            length_scales=self.length_scales,
            steps=self.mcmc_steps,
        )


def _of(posterior: Posterior, points: Points, targets: Array) -> Posterior:
    """The process with the same hyperparameters, in the same units, given other data."""
    offset, scale = posterior.offset, posterior.scale
    data = Data(points, (targets - offset) / scale)
    return Posterior(posterior.kernel, posterior.theta, data, offset, scale)
