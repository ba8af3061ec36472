"""What the methods on our Gaussian processes share: a first design, the fit, and the incumbent."""

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


@dataclass(eq=False)
class ModelBased(Method):
    """Models the loss, marginalised over hyperparameters, and recommends by the model.

    The recommended config is the evaluated one with the lowest posterior mean at the target.

    Hyperparameters are fitted to finished trials. Before the next suggestion the loss model is also
    given the running ones, each with a loss that is only believed (Ginsbourger, Le Riche & Carraro
    2010, "Kriging is well-suited to parallelize optimization"), so that several workers do not get
    the same one; the cost model is not. With nothing finished the initial design goes on.

    Raises:
        ValueError: an option outside what is allowed.
    """

    space: Space
    fidelities: Fidelities
    _: KW_ONLY
    initial_trials: int = field(init=False)
    """trials before the models are used"""
    hyper_samples: int = 10
    """hyperparameter samples of either model"""
    mcmc_steps: int = STEPS
    """steps of the sampler that they come from"""
    length_scales: Sequence[float] = LENGTH_SCALES
    """range of the length scales, in units of the unit cube's edge"""
    loss_transform: str = "log"
    """``log`` models the logarithm of the loss, ``none`` the loss itself"""
    pending: str = "believer"
    """loss of a running trial: ``believer``, its posterior mean, or ``liar``, the lowest seen"""
    refit_every: int = 10
    """with more than ``refit_above`` finished trials, hyperparameters are those from before the
    latest trial whose number is a multiple of this; the data are always all"""
    refit_above: int = REFIT_ABOVE
    """up to so many, they are of all finished trials"""

    only: Sequence[float] | None = field(init=False, default=None)
    """fidelities whose trials are modelled; None for all"""
    diagonal: bool = field(init=False, default=False)
    """whether the covariance of the basis functions' weights is diagonal"""
    cost_basis: Basis | None = field(init=False, default=None)
    """fidelity basis of the cost model; None for a method without one"""

    def __post_init__(self) -> None:
        counts = ("initial_trials", "hyper_samples", "mcmc_steps", "refit_every", "refit_above")
        check_counts(**{name: getattr(self, name) for name in counts})
        check_choice("loss_transform", self.loss_transform, TRANSFORMS)
        check_choice("pending", self.pending, BELIEFS)
        self._scales = check_range("length_scales", self.length_scales)
        self.target_basis = self.loss_basis(np.ones(1))[0]
        self._fit = Latest(self._models)

    @abstractmethod
    def loss_basis(self, s: Array) -> Array:
        """Fidelity basis of the loss model; ``(n,)`` to ``(n, rank)``."""

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
            length_scales=self._scales,
            steps=self.mcmc_steps,
        )


def _of(posterior: Posterior, points: Points, targets: Array) -> Posterior:
    """The process with the same hyperparameters, in the same units, given other data."""
    offset, scale = posterior.offset, posterior.scale
    data = Data(points, (targets - offset) / scale)
    return Posterior(posterior.kernel, posterior.theta, data, offset, scale)
