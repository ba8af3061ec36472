"""Priors on hyperparameters: proper densities over the logarithmic scale that models work in.

The families are RoBO's (robo/priors/env_priors.py at 823a5de), without its slips: there the normal
prior returns the density where its logarithm is meant, and the horseshoe, a density of the noise
variance, is used for its logarithm without the Jacobian, which leaves it improper. The numbers are
for standardised targets. Every prior is cut to a box, which also bounds the condition number of
the covariance matrix, so that a Cholesky factorisation inside the box always exists.
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
    """A density, up to a constant, of single hyperparameters in the box [low, high].

    Everything is elementwise, so that one object serves any number of independent ones.
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
    """Flat on [low, high]."""

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
    """Normal with mean and standard deviation, cut at four standard deviations."""

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
    """Horseshoe on a variance ``v``, as a density of ``theta = log v``.

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
    """in order: a prior, and how many hyperparameters have it"""

    @cached_property
    def low(self) -> Array:
        """Lower corner of the box, shape ``(size,)``."""
        return np.concatenate([np.broadcast_to(p.low, count) for p, count in self.parts])

    @cached_property
    def high(self) -> Array:
        """Upper corner of the box, shape ``(size,)``."""
        return np.concatenate([np.broadcast_to(p.high, count) for p, count in self.parts])

    def log_density(self, theta: Array) -> Array:
        """Log density up to a constant, ``-inf`` outside the box; ``(m, size)`` to ``(m,)``."""
        clipped = np.minimum(np.maximum(theta, self.low), self.high)
        total = np.where((clipped == theta).all(axis=1), 0.0, -np.inf)
        for prior, columns in self._columns():
            total += prior.log_density(clipped[:, columns]).sum(axis=1)
        return total

    def gradient(self, theta: Array) -> Array:
        """Gradient inside the box; ``(size,)`` to ``(size,)``."""
        return np.concatenate([p.gradient(theta[columns]) for p, columns in self._columns()])

    def sample(self, rng: np.random.Generator, size: int) -> Array:
        """Independent draws, shape ``(size, number of hyperparameters)``."""
        return np.concatenate([p.sample(rng, (size, count)) for p, count in self.parts], axis=1)

    def _columns(self) -> Iterator[tuple[Prior, slice]]:
        end = 0
        for prior, count in self.parts:
            start, end = end, end + count
            yield prior, slice(start, end)


LENGTH_SCALES = (0.1, 2.72)
"""default range, in units of the cube's edge. The paper's code allows e^-5, which a few trials
cannot rule out: then single hyperparameter samples of white noise decide what is evaluated."""


COST_SCALES = (0.43, 1.01)
"""range of a smooth kernel's length scale over nominal costs, in full trainings (libsigopt's)"""


def standard_priors(
    kernel: ProductKernel, length_scales: tuple[float, float] = LENGTH_SCALES
) -> Priors:
    """Fabolas' priors for targets of mean 0 and variance 1; the last one is for the log noise.

    Logarithms of length scales flat in a range, RoBO's being [e^-5, e]; log diagonal variances of
    ``Sigma`` standard normal, its off-diagonal factor standard normal; horseshoe on the noise
    variance. RoBO's but for the amplitude, which there is a lognormal for targets not scaled. A
    ``SmoothKernel`` has a standard normal log variance and a flat log length scale in its place.
    """
    low, high = np.log(length_scales)
    scales = Uniform(float(low), float(high))
    if isinstance(kernel, SmoothKernel):
        low, high = np.log(COST_SCALES)
        over_cost = Uniform(float(low), float(high))
        amplitude, noise = Normal(0.0, 0.5), Horseshoe(0.001)
        return Priors([(scales, kernel.width), (amplitude, 1), (over_cost, 1), (noise, 1)])
    rows, columns = kernel.entries
    # A standard normal log variance is a normal log factor of half the spread.
    factor = Normal(0.0, np.where(rows == columns, 0.5, 1.0))
    return Priors([(scales, kernel.width), (factor, len(rows)), (Horseshoe(0.001), 1)])
