"""Expected improvement at the target with a GPy model: the plain baseline, by a known library."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from scipy.optimize import minimize

from benchmarks.core.arrays import Array
from benchmarks.core.protocols import Method
from benchmarks.core.space import Config, Space
from benchmarks.core.trial import Fidelities, History, Suggestion
from methods.acquisition.candidates import around, snap, uniform, unless_pending
from methods.acquisition.improvement import (
    log_expected_improvement,
    log_expected_improvement_gradient,
)
from methods.models.training_data import TRANSFORMS, Latest, Targets, finished, read_targets
from methods.options import check_choice, check_counts
from methods.references.global_random import global_random


class GPyEI(Method):
    """Full trainings only; the next one maximises expected improvement.

    GPy's ``GPRegression`` with a Matern-5/2 kernel, one length scale a coordinate, on the
    standardised loss or log loss; hyperparameters by maximum likelihood within bounds. Recommends
    the evaluated config with the lowest posterior mean; before the model exists, the best one seen.
    A running trial counts as if it had the loss that the model expects (kriging believer;
    Ginsbourger et al. 2010), the hyperparameters left as they are.

    Args:
        space: the task's configs.
        fidelities: the task's fidelities; only the target is used.
        initial_trials: uniform random configs before the model is used.
        restarts: starting points of the likelihood's maximisation.
        candidates: configs screened before the acquisition is refined by L-BFGS.
        loss_transform: ``log`` models the logarithm of the loss, ``none`` the loss itself.

    Raises:
        ValueError: an option outside what is allowed.
    """

    def __init__(
        self,
        space: Space,
        fidelities: Fidelities,
        *,
        initial_trials: int = 5,
        restarts: int = 3,
        candidates: int = 1000,
        loss_transform: str = "log",
    ) -> None:
        check_counts(initial_trials=initial_trials, restarts=restarts, candidates=candidates)
        check_choice("loss_transform", loss_transform, TRANSFORMS)
        self.space = space
        self.initial_trials = initial_trials
        self.restarts = restarts
        self.candidates = candidates
        self.loss_transform = loss_transform
        self._fit = Latest(lambda targets: fit_gpy(targets, self.restarts))

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        targets = read_targets(history, self.space, transform=self.loss_transform, only=(1.0,))
        if len(history) < self.initial_trials or targets is None:
            return Suggestion(self.space.sample(rng))
        model = believing(self._fit(targets), targets)
        mean, _ = predict(model, targets.known)
        best = float(mean.min())
        centres = targets.known[np.argsort(mean, kind="stable")[:5]]
        half = self.candidates // 2
        x = np.concatenate([
            uniform(self.space, self.candidates - half, rng),
            around(self.space, centres, half, rng),
        ])  # fmt: skip
        score = self._score(model, x, best, targets)
        starts = x[np.argsort(-score, kind="stable")[:5]]
        x = snap(self.space, np.stack([climb(model, start, best) for start in starts]))
        x = np.concatenate([x, starts])
        score = self._score(model, x, best, targets)
        return Suggestion(self.space.decode(x[int(np.argmax(score))]))

    def _score(self, model: Any, x: Array, best: float, targets: Targets) -> Array:
        score = log_expected_improvement(*predict(model, x), best)
        return unless_pending(score, x, np.ones(len(x)), targets.pending)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        seen = history.best_at_target
        targets = read_targets(history, self.space, transform=self.loss_transform, only=(1.0,))
        if finished(history) < self.initial_trials or targets is None:
            return None if seen is None else seen.config
        mean, _ = predict(self._fit(targets), targets.x)
        return targets.best(mean)


def fit_gpy(targets: Targets, restarts: int) -> Any:
    """GPy model of the standardised losses by bounded maximum likelihood.

    The bounds keep GPy from a noise of zero and a huge variance, where its predictive variances
    turn negative. Restarts draw from numpy's global state, hence the fence.
    """
    import GPy

    y = targets.loss - targets.loss.mean()
    y = y / y.std() if y.std() > 1e-6 else 0 * y
    with quiet_gpy(), global_random(targets.rng()):
        width = targets.x.shape[1]
        kernel = GPy.kern.Matern52(width, variance=1.0, lengthscale=0.5 * np.ones(width), ARD=True)
        model = GPy.models.GPRegression(targets.x, y[:, None], kernel, noise_var=0.01)
        kernel.lengthscale.constrain_bounded(0.01, 10, warning=False)
        kernel.variance.constrain_bounded(0.05, 20, warning=False)
        model.likelihood.variance.constrain_bounded(1e-6, 1, warning=False)
        model.optimize_restarts(restarts, verbose=False, robust=True)
    return model


def believing(model: Any, targets: Targets) -> Any:
    """The model given the running trials, too, each with its posterior mean; a copy."""
    if targets.pending is None:
        return model
    x = targets.pending.x
    mean, _ = predict(model, x)
    with quiet_gpy():
        given = model.copy()
        given.set_XY(np.concatenate([model.X, x]), np.concatenate([model.Y, mean[:, None]]))
    return given


def predict(model: Any, x: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of the noise-free loss, standardised; each ``(n,)``."""
    mean, variance = model.predict_noiseless(x)
    return mean[:, 0], np.sqrt(np.maximum(variance[:, 0], 1e-12))


def climb(model: Any, start: Array, best: float) -> Array:
    """Maximise log EI from ``start``, shape ``(width,)``, by L-BFGS inside the unit cube."""

    def negative(x: Array) -> tuple[float, Array]:
        mean, sd = predict(model, x[None])
        d_mean, d_variance = model.predictive_gradients(x[None])
        by_mean, by_sd = log_expected_improvement_gradient((best - mean) / sd)
        # Both ratios are per standard deviation; d sd = d variance / (2 sd).
        gradient = (by_mean * d_mean[0, :, 0] + by_sd * d_variance[0] / (2 * sd)) / sd
        return -float(log_expected_improvement(mean, sd, best)[0]), -gradient

    bounds = [(0.0, 1.0)] * len(start)
    result = minimize(
        negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30}
    )
    return np.asarray(np.clip(result.x, 0, 1))


@contextmanager
def quiet_gpy() -> Iterator[None]:
    """Keep GPy's and paramz' notes (reconstraining, failed restarts) out of the console."""
    # paramz names loggers after parameters, too: "sum" is the kernel of emukit's Fabolas
    names = ("GP", "paramz", "paramz.model", "sum", "Gaussian_noise")
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
