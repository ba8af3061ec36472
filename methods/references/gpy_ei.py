"""Expected improvement at the target fidelity with a GPy model: a baseline on a known library."""

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
from methods.acquisition.candidates import around, exclude_pending, snap, uniform
from methods.acquisition.improvement import (
    log_expected_improvement,
    log_expected_improvement_gradient,
)
from methods.models.loss_transform import TRANSFORMS, transform_note
from methods.models.training_data import CachedFit, TrainingData, finished, training_data
from methods.options import check_choice, check_counts
from methods.references.global_random import global_random


class GPyEI(Method):
    """Selects the full training with the largest expected improvement, by a GPy model.

    The model is GPy's ``GPRegression`` with a Matern-5/2 kernel, one length scale per coordinate,
    on the standardised loss, log loss, or normal scores of ranks. Hyperparameters are set by
    maximum likelihood within bounds. The incumbent is the evaluated config with the lowest
    posterior mean; before the model exists, it is the one with the lowest observed loss. Pending
    trials are imputed with the posterior mean, and hyperparameters stay unchanged (kriging
    believer; Ginsbourger et al. 2010).

    Args:
        space: search space of the task.
        fidelities: fidelities of the task; only the target is used.
        initial_trials: number of uniform random configs before the model is used.
        restarts: number of starting points when the likelihood is maximised.
        candidates: number of configs screened before the acquisition is refined by L-BFGS.
        loss_transform: ``log`` to model the logarithm of the loss, and ranks once a loss has none
            (see ``transform_in_use``); ``none`` for the loss itself.

    Raises:
        ValueError: if an option is out of range.
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
        self._fit = CachedFit(lambda data: fit_gpy(data, self.restarts))

    def suggest(self, history: History, rng: np.random.Generator) -> Suggestion:
        data = training_data(history, self.space, transform=self.loss_transform, only=(1.0,))
        if len(history) < self.initial_trials or data is None:
            return Suggestion(self.space.sample(rng))
        model = condition_on_pending(self._fit(data), data)
        mean, _ = predict(model, data.all_x)
        best = float(mean.min())
        centres = data.all_x[np.argsort(mean, kind="stable")[:5]]
        half = self.candidates // 2
        x = np.concatenate([
            uniform(self.space, self.candidates - half, rng),
            around(self.space, centres, half, rng),
        ])  # fmt: skip
        score = self._score(model, x, best, data)
        starts = x[np.argsort(-score, kind="stable")[:5]]
        x = snap(self.space, np.stack([climb(model, start, best) for start in starts]))
        x = np.concatenate([x, starts])
        score = self._score(model, x, best, data)
        chosen = self.space.decode(x[int(np.argmax(score))])
        return Suggestion(chosen, note=transform_note(data.transform))

    def _score(self, model: Any, x: Array, best: float, data: TrainingData) -> Array:
        score = log_expected_improvement(*predict(model, x), best)
        return exclude_pending(score, x, np.ones(len(x)), data.pending)

    def recommend(self, history: History, rng: np.random.Generator) -> Config | None:
        best = history.best_at_target
        data = training_data(history, self.space, transform=self.loss_transform, only=(1.0,))
        if finished(history) < self.initial_trials or data is None:
            return None if best is None else best.config
        mean, _ = predict(self._fit(data), data.x)
        return data.best(mean)


def fit_gpy(data: TrainingData, restarts: int) -> Any:
    """Fit a GPy model to the standardised losses by bounded maximum likelihood.

    The bounds exclude zero noise and huge variances, where GPy's predictive variances become
    negative. Restarts draw from numpy's global random state, so it is seeded here and restored
    afterwards.
    """
    import GPy

    y = data.loss - data.loss.mean()
    y = y / y.std() if y.std() > 1e-6 else 0 * y
    with quiet_gpy(), global_random(data.rng()):
        width = data.x.shape[1]
        kernel = GPy.kern.Matern52(width, variance=1.0, lengthscale=0.5 * np.ones(width), ARD=True)
        model = GPy.models.GPRegression(data.x, y[:, None], kernel, noise_var=0.01)
        kernel.lengthscale.constrain_bounded(0.01, 10, warning=False)
        kernel.variance.constrain_bounded(0.05, 20, warning=False)
        model.likelihood.variance.constrain_bounded(1e-6, 1, warning=False)
        model.optimize_restarts(restarts, verbose=False, robust=True)
    return model


def condition_on_pending(model: Any, data: TrainingData) -> Any:
    """Return a copy of the model, conditioned on the pending trials with their posterior means."""
    if data.pending is None:
        return model
    x = data.pending.x
    mean, _ = predict(model, x)
    with quiet_gpy():
        conditioned = model.copy()
        conditioned.set_XY(np.concatenate([model.X, x]), np.concatenate([model.Y, mean[:, None]]))
    return conditioned


def predict(model: Any, x: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation of the standardised, noise-free loss; each ``(n,)``."""
    mean, variance = model.predict_noiseless(x)
    return mean[:, 0], np.sqrt(np.maximum(variance[:, 0], 1e-12))


def climb(model: Any, start: Array, best: float) -> Array:
    """Maximise log EI from ``start``, shape ``(width,)``, by L-BFGS inside the unit cube."""

    def negative(x: Array) -> tuple[float, Array]:
        mean, sd = predict(model, x[None])
        d_mean, d_variance = model.predictive_gradients(x[None])
        by_mean, by_sd = log_expected_improvement_gradient((best - mean) / sd)
        # Both derivatives are multiplied by sd; and d sd = d variance / (2 sd).
        gradient = (by_mean * d_mean[0, :, 0] + by_sd * d_variance[0] / (2 * sd)) / sd
        return -float(log_expected_improvement(mean, sd, best)[0]), -gradient

    bounds = [(0.0, 1.0)] * len(start)
    result = minimize(
        negative, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30}
    )
    return np.asarray(np.clip(result.x, 0, 1))


@contextmanager
def quiet_gpy() -> Iterator[None]:
    """Silence log messages and warnings of GPy and paramz (reconstraining, failed restarts)."""
    # paramz also names loggers after parameters: "sum" is the kernel of emukit's Fabolas
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
