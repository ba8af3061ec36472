"""Pieces of emukit 0.5.1, and what it takes to run them. Imports emukit and GPy: import it late."""

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
    """Emukit's wrapper of a GPy model, whose variances are never negative.

    On data nearly without noise GPy's are, by rounding; emukit takes their roots unchecked.
    """

    def predict(self, X: Array) -> tuple[Array, Array]:
        """Mean and variance of the noisy loss at ``X`` of shape ``(n, width)``; each ``(n, 1)``."""
        mean, variance = super().predict(X)
        return mean, np.maximum(variance, 1e-12)


class MaxValueSearch(MaxValueEntropySearch):  # type: ignore[misc]
    """Emukit's ``MaxValueEntropySearch``, able to run with numpy 2.4 and later.

    Its fit of a Gumbel distribution bisects a function that, given columns, returns arrays of shape
    ``(1,)``; numpy no longer takes those for numbers (``TypeError: only 0-dimensional arrays can be
    converted to Python scalars``). Given flat arrays it returns numbers. Nothing else differs.
    """

    def update_parameters(self) -> None:
        """Draw samples of the minimum's value, shape ``(num_samples,)``; once a suggestion."""
        grid = np.vstack([self.model.X, RandomDesign(self.space).get_samples(self.grid_size)])
        mean, variance = self.model.predict(grid)
        place, scale = _fit_gumbel(mean[:, 0], np.sqrt(variance[:, 0]))
        self.mins = np.log(-np.log(1 - np.random.rand(self.num_samples))) * scale + place


def cube(width: int) -> ParameterSpace:
    """Emukit's description of the unit cube; a new one every time, as some loops extend it."""
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
    """An entropy search of ``kind`` whose sampler of ``representers`` takes ``steps`` after burning
    in, for which emukit has no argument. The sampler (emcee) wants two representers a coordinate.
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
