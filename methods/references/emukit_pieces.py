"""Adapters for emukit 0.5.1. Imports emukit and GPy, so import this module only when needed."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from emukit.bayesian_optimization.acquisitions import EntropySearch
from emukit.bayesian_optimization.acquisitions.max_value_entropy_search import (
    MaxValueEntropySearch,
    _fit_gumbel,
)
from emukit.core import ContinuousParameter, ParameterSpace
from emukit.core.initial_designs import RandomDesign
from emukit.model_wrappers import GPyModelWrapper

from benchmarks.core.arrays import Array


class ClippedGPy(GPyModelWrapper):  # type: ignore[misc]
    """Emukit's wrapper of a GPy model, with variances of at least 1e-12.

    If the data have almost no noise, GPy's variances can be negative by rounding, and emukit takes
    their square roots unchecked.
    """

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Return mean and variance of the noisy loss at ``X``, ``(n, width)``; each ``(n, 1)``."""
        mean, variance = super().predict(X)
        return mean, np.maximum(variance, 1e-12)


class MaxValueSearch(MaxValueEntropySearch):  # type: ignore[misc]
    """Emukit's ``MaxValueEntropySearch``, made to run with numpy 2.4 and later.

    Its fit of a Gumbel distribution bisects a function that returns arrays of shape ``(1,)`` when
    means and variances are columns. Numpy no longer converts these to numbers
    (``TypeError: only 0-dimensional arrays can be converted to Python scalars``). With flat arrays
    the function returns numbers. Nothing else differs.
    """

    def update_parameters(self) -> None:
        """Draw samples of the lowest loss, shape ``(num_samples,)``; called once per suggestion."""
        grid = np.vstack([self.model.X, RandomDesign(self.space).get_samples(self.grid_size)])
        mean, variance = self.model.predict(grid)
        location, scale = _fit_gumbel(mean[:, 0], np.sqrt(variance[:, 0]))
        self.mins = np.log(-np.log(1 - np.random.rand(self.num_samples))) * scale + location


def cube(width: int) -> ParameterSpace:
    """Return emukit's description of the unit cube, a new one each time: some loops extend it."""
    return ParameterSpace([ContinuousParameter(f"x{i}", 0.0, 1.0) for i in range(width)])


def entropy_search(
    kind: type[EntropySearch],
    model: Any,
    space: ParameterSpace,
    representers: int,
    innovations: int,
    burn_in: int,
    steps: int,
) -> Any:
    """Return an entropy search of class ``kind``, whose sampler takes ``steps`` after burn-in.

    Emukit has no argument for these steps. The sampler (emcee) draws the ``representers`` and needs
    at least two of them per coordinate.
    """
    search = kind(
        model,
        space,
        num_samples=innovations,
        num_representer_points=representers,
        burn_in_steps=burn_in,
    )
    search.sampler.get_samples = partial(search.sampler.get_samples, n_steps=steps)
    return search
