"""Priors on hyperparameters: proper densities on the logarithmic scale that the models use.

The families are RoBO's (robo/priors/env_priors.py at 823a5de), without two bugs: its normal prior
returns the density instead of its logarithm, and its horseshoe, a density of the noise variance, is
applied to the log variance without the Jacobian, which makes it improper. Parameter values are for
standardised data. Every prior is truncated to a box, which also bounds the condition number of the
covariance matrix, so that it has a Cholesky factor everywhere in the box.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from benchmarks.core.arrays import Array
from methods.models.kernels import ProductKernel, SmoothKernel


class Prior(Protocol):
    """Density, up to a constant, of single hyperparameters in the box [low, high].

    All methods work elementwise, so one object serves any number of independent hyperparameters.
    """

    @property
    def low(self) -> float | Array: ...
    @property
    def high(self) -> float | Array: ...
    def log_density(self, theta: Array) -> Array: ...
    def gradient(self, theta: Array) -> Array: ...
    def sample(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array: ...


@dataclass(frozen=True)
class Uniform:
    """Uniform on [low, high]."""

    low: float
    high: float

    def log_density(self, theta: Array) -> Array:
        return np.zeros_like(theta)

    def gradient(self, theta: Array) -> Array:
        return np.zeros_like(theta)

    def sample(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return rng.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Normal:
    """Normal with mean and standard deviation, truncated at four standard deviations."""

    mean: float
    sd: float | Array

    @property
    def low(self) -> float | Array:
        return self.mean - 4 * self.sd

    @property
    def high(self) -> float | Array:
        return self.mean + 4 * self.sd

    def log_density(self, theta: Array) -> Array:
        return np.asarray(-0.5 * np.square((theta - self.mean) / self.sd))

    def gradient(self, theta: Array) -> Array:
        return np.asarray((self.mean - theta) / self.sd**2)

    def sample(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        return np.clip(rng.normal(self.mean, self.sd, shape), self.low, self.high)


@dataclass(frozen=True)
class Horseshoe:
    """Horseshoe prior on a variance ``v``, as a density of ``theta = log v``.

    ``p(v) ~ log(1 + 3 (scale / v)^2)`` (Carvalho et al. 2009, as bounded in Spearmint), times the
    Jacobian ``v``.
    """

    scale: float
    low: float = float(np.log(1e-6))
    high: float = 0.0

    def log_density(self, theta: Array) -> Array:
        return np.asarray(np.log(np.log1p(3 * self.scale**2 * np.exp(-2 * theta))) + theta)

    def gradient(self, theta: Array) -> Array:
        q = 3 * self.scale**2 * np.exp(-2 * theta)
        return np.asarray(1 - 2 * q / ((1 + q) * np.log1p(q)))

    def sample(self, rng: np.random.Generator, shape: tuple[int, int]) -> Array:
        spread = self.scale * np.abs(rng.standard_cauchy(shape))
        v = spread * np.abs(rng.standard_normal(shape))
        return np.log(np.clip(v, np.exp(self.low), np.exp(self.high)))


@dataclass(frozen=True)
class Priors:
    """Independent priors of all hyperparameters."""

    parts: Sequence[tuple[Prior, int]]
    """priors in the order of ``theta``, each with its number of hyperparameters"""

    @cached_property
    def low(self) -> Array:
        """Lower corner of the box, shape ``(size,)``."""
        return np.concatenate([np.broadcast_to(p.low, count) for p, count in self.parts])

    @cached_property
    def high(self) -> Array:
        """Upper corner of the box, shape ``(size,)``."""
        return np.concatenate([np.broadcast_to(p.high, count) for p, count in self.parts])

    def log_density(self, theta: Array) -> Array:
        """Return the log density up to a constant, ``-inf`` outside the box; shape ``(m,)``."""
        clipped = np.minimum(np.maximum(theta, self.low), self.high)
        total = np.where((clipped == theta).all(axis=1), 0.0, -np.inf)
        for prior, columns in self._columns():
            total += prior.log_density(clipped[:, columns]).sum(axis=1)
        return total

    def gradient(self, theta: Array) -> Array:
        """Return the gradient of the log density inside the box; ``(size,)`` to ``(size,)``."""
        return np.concatenate([p.gradient(theta[columns]) for p, columns in self._columns()])

    def sample(self, rng: np.random.Generator, size: int) -> Array:
        """Return independent draws, shape ``(size, number of hyperparameters)``."""
        return np.concatenate([p.sample(rng, (size, count)) for p, count in self.parts], axis=1)

    def _columns(self) -> Iterator[tuple[Prior, slice]]:
        end = 0
        for prior, count in self.parts:
            start, end = end, end + count
            yield prior, slice(start, end)


LENGTH_SCALES = (0.1, 2.72)
"""default range, in units of the unit cube's edge. RoBO allows e^-5, which a few trials cannot rule
out; single hyperparameter samples that take the data for white noise would then decide what is
evaluated"""


COST_SCALES = (0.43, 1.01)
"""range of a ``SmoothKernel``'s length scale over nominal costs, in full trainings (as in
libsigopt)"""


def standard_priors(
    kernel: ProductKernel, length_scales: tuple[float, float] = LENGTH_SCALES
) -> Priors:
    """Return Fabolas' priors for data of mean 0 and variance 1; the last one is for the log noise.

    Log length scales are uniform in a range (RoBO: [e^-5, e]). Log diagonal variances of ``Sigma``
    and its off-diagonal factor are standard normal. The noise variance has a horseshoe prior. Only
    the amplitude differs from RoBO, which has a lognormal prior for losses that are not
    standardised. In place of ``Sigma``, a ``SmoothKernel`` has a standard normal log variance and a
    uniform log length scale.
    """
    low, high = np.log(length_scales)
    scales = Uniform(float(low), float(high))
    if isinstance(kernel, SmoothKernel):
        low, high = np.log(COST_SCALES)
        over_cost = Uniform(float(low), float(high))
        amplitude, noise = Normal(0.0, 0.5), Horseshoe(0.001)
        return Priors([(scales, kernel.width), (amplitude, 1), (over_cost, 1), (noise, 1)])
    rows, columns = kernel.entries
    # If the log variance is standard normal, the log factor has half its standard deviation.
    factor = Normal(0.0, np.where(rows == columns, 0.5, 1.0))
    return Priors([(scales, kernel.width), (factor, len(rows)), (Horseshoe(0.001), 1)])
