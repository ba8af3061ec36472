"""Gaussian-process likelihood and posterior, for a batch of hyperparameters at once.

``theta`` holds the kernel's hyperparameters followed by the logarithm of the noise variance.
Formulas: Rasmussen & Williams 2006, eqs. 2.23 to 2.30 and 5.9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from benchmarks.core.arrays import Array
from methods.models.kernels import Points, ProductKernel, squared_differences


@dataclass(frozen=True)
class Data:
    """Observations: ``n`` inputs and their values ``y``."""

    points: Points
    y: Array
    """observed values, shape ``(n,)``; in a posterior also ``(m, n)``, one row per hyperparameter
    sample"""

    @cached_property
    def d2(self) -> Array:
        """Squared differences of the configs in each coordinate, shape ``(width, n * n)``."""
        return squared_differences(self.points.x, self.points.x)

    @cached_property
    def lower(self) -> tuple[NDArray[np.intp], NDArray[np.intp], Array, Array]:
        """Pairs of observations on and below the diagonal: rows, columns and two arrays.

        The arrays are their ``d2``, shape ``(width, pairs)``, and the products of their basis
        functions, shape ``(rank * rank, pairs)``.
        """
        rows, columns = np.tril_indices(len(self.points.x))
        phi = self.points.phi.T
        products = (phi[:, None, rows] * phi[None, :, columns]).reshape(len(phi) ** 2, -1)
        return (
            rows,
            columns,
            np.ascontiguousarray(self.d2[:, rows * len(self.points.x) + columns]),
            products,
        )

    def noisy_covariance(self, kernel: ProductKernel, theta: Array, border: int = 0) -> Array:
        """Return the covariance of ``y``, noise included, shape ``(m, n + border, n + border)``.

        Only the lower triangle is filled, because a Cholesky factorisation needs no more. The last
        ``border`` rows and columns are 0.
        """
        n, m = len(self.points.x), len(theta)
        rows, columns, d2, products = self.lower
        L = kernel.factor(theta)
        values = kernel.over_config(theta, d2)
        values *= (L @ L.transpose(0, 2, 1)).reshape(m, -1) @ products
        K = np.zeros((m, n + border, n + border))
        K.reshape(m, -1)[:, rows * (n + border) + columns] = values
        diagonal = np.arange(n)
        K[:, diagonal, diagonal] += np.exp(theta[:, -1:])
        return K


def lower_inverse(L: Array) -> Array:
    """Return the inverses of a batch of lower triangular matrices, shape ``(m, n, n)``."""
    return np.stack([cast(Any, lapack.dtrtri)(one, lower=1)[0] for one in L])


def log_likelihood(kernel: ProductKernel, theta: Array, data: Data) -> Array:
    """Return the log marginal likelihood of a batch of hyperparameters; ``(m, size)`` to ``(m,)``.

    Uses one batched Cholesky factorisation of the covariance bordered by ``y``: the last row of the
    factor is ``L^-1 y``, so no triangular solve is needed. The corner element has no effect; it
    must only be large enough for the factorisation to exist.
    """
    n = len(data.y)
    bordered = data.noisy_covariance(kernel, theta, border=1)
    bordered[:, n, :n] = data.y
    bordered[:, n, n] = 1e100
    L = np.linalg.cholesky(bordered)
    whitened = L[:, n, :n]
    log_root = np.log(np.diagonal(L[:, :n, :n], axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(
        -0.5 * np.square(whitened).sum(axis=1) - log_root - 0.5 * n * np.log(2 * np.pi)
    )


def log_likelihood_gradient(kernel: ProductKernel, theta: Array, data: Data) -> tuple[float, Array]:
    """Return the log marginal likelihood and its gradient for one ``theta``, shape ``(size,)``.

    Raises:
        numpy.linalg.LinAlgError: if the covariance is not positive definite.
    """
    n, width, phi = len(data.y), kernel.width, data.points.phi
    scaled = np.exp(-2 * theta[:width])[:, None] * data.d2
    r = np.sqrt(5 * scaled.sum(axis=0))
    decay = np.exp(-r)
    M = ((1 + r + r * r / 3) * decay).reshape(n, n)
    factor = kernel.factor(theta[None])[0]
    psi = phi @ factor
    P = psi @ psi.T
    noise = np.exp(theta[-1])
    K = M * P
    K.flat[:: n + 1] += noise
    L, info = lapack.dpotrf(K, lower=1)
    if info:
        raise np.linalg.LinAlgError("covariance is not positive definite")
    inverse, _ = lapack.dpotri(L, lower=1)  # lower triangle only; the upper one is zero
    inverse = inverse + inverse.T
    inverse.flat[:: n + 1] *= 0.5
    alpha = inverse @ data.y
    value = -0.5 * data.y @ alpha - np.log(np.diagonal(L)).sum() - 0.5 * n * np.log(2 * np.pi)

    G = 0.5 * (np.outer(alpha, alpha) - inverse)  # eq. 5.9: the gradient is sum(G * dK)
    # d matern52 / d log ell_k = 5/3 (1 + r) exp(-r) (x_k - x'_k)^2 / ell_k^2
    over_scales = scaled @ ((G * P).ravel() * (5 / 3) * (1 + r) * decay)
    over_factor = 2 * phi.T @ (G * M) @ psi
    over_entries = kernel.chain(theta, factor, over_factor)
    over_noise = noise * np.trace(G)
    return float(value), np.concatenate([over_scales, over_entries, [over_noise]])


@dataclass(frozen=True)
class Posterior:
    """Posterior of the Gaussian process for ``m`` hyperparameter samples, noise excluded.

    The observed values are standardised before fitting; ``offset`` and ``scale`` convert back to
    their units.
    """

    kernel: ProductKernel
    theta: Array
    """hyperparameter samples, shape ``(m, size)``"""
    data: Data
    offset: float = 0.0
    scale: float = 1.0

    @cached_property
    def root(self) -> Array:
        """Inverse Cholesky factors of the noisy covariance, shape ``(m, n, n)``."""
        K = self.data.noisy_covariance(self.kernel, self.theta)
        return lower_inverse(np.asarray(np.linalg.cholesky(K), dtype=float))

    @cached_property
    def whitened(self) -> Array:
        """``L^-1 y``, shape ``(m, n)``."""
        y = self.data.y
        return np.asarray(self.root @ y if y.ndim == 1 else (self.root @ y[:, :, None])[:, :, 0])

    @cached_property
    def weights(self) -> Array:
        """``K^-1 y``, shape ``(m, n)``."""
        return np.asarray((self.whitened[:, None, :] @ self.root)[:, 0])

    def condition_on(self, points: Points, y: Array) -> Posterior:
        """Return the posterior conditioned on ``k`` more noisy observations.

        Hyperparameters stay unchanged. ``y``, shape ``(m, k)``, is in the original units of the
        observed values. If it is the posterior mean, no mean changes anywhere, and variances shrink
        (kriging believer; Ginsbourger et al. 2010).
        """
        x, phi = (np.concatenate(pair) for pair in zip(self.data.points, points, strict=True))
        before = np.broadcast_to(self.data.y, (len(self.theta), len(self.data.points.x)))
        y = np.concatenate([before, (y - self.offset) / self.scale], axis=1)
        data = Data(Points(x, phi), y)
        return _Extended(self.kernel, self.theta, data, self.offset, self.scale, before=self)

    @property
    def noise(self) -> Array:
        """Noise variance of the observed values, shape ``(m,)``."""
        return np.asarray(np.exp(self.theta[:, -1]) * self.scale**2)

    def project(self, points: Points) -> Array:
        """Return ``L^-1 k(data, points)``, shape ``(m, n, k)``; its squares reduce the variance."""
        return self.root @ self.kernel.covariance(self.theta, self.data.points, points)

    def mean(self, points: Points, projected: Array | None = None) -> Array:
        """Return the posterior mean, shape ``(m, k)``; ``projected`` is ``project(points)``."""
        if projected is None:  # cheaper than computing the projection
            prior = self.kernel.covariance(self.theta, self.data.points, points)
            mean = (self.weights[:, None, :] @ prior)[:, 0]
        else:
            mean = (self.whitened[:, None, :] @ projected)[:, 0]
        return np.asarray(self.offset + self.scale * mean)

    def variance(self, points: Points, projected: Array | None = None) -> Array:
        """Return the posterior variance, noise excluded, shape ``(m, k)``; never below zero."""
        projected = self.project(points) if projected is None else projected
        prior = self.kernel.variance(self.theta, points)
        reduction = np.einsum("mnk,mnk->mk", projected, projected)
        return np.asarray(self.scale**2 * np.maximum(prior - reduction, 0))

    def covariance(self, a: Points, b: Points) -> Array:
        """Return the posterior covariance, noise excluded, shape ``(m, len(a.x), len(b.x))``."""
        prior = self.kernel.covariance(self.theta, a, b)
        reduction = self.project(a).transpose(0, 2, 1) @ self.project(b)
        return np.asarray(self.scale**2 * (prior - reduction))


@dataclass(frozen=True)
class _Extended(Posterior):
    """Posterior whose Cholesky factor extends that of an earlier posterior by some rows."""

    before: Posterior = field(kw_only=True)

    @cached_property
    def root(self) -> Array:
        """Inverse Cholesky factor of ``[[K, B], [B', C]]``, extended from the one of ``K``.

        The new rows are ``[-R Q' L^-1, R]``, where ``Q = L^-1 B`` and ``R`` inverts the Cholesky
        factor of ``C - Q'Q``.
        """
        old, n = self.before.root, len(self.before.data.points.x)
        added = Points(*(part[n:] for part in self.data.points))
        projected = self.before.project(added)
        left = self.kernel.covariance(self.theta, added, added)
        left -= projected.transpose(0, 2, 1) @ projected
        diagonal = np.arange(len(added.x))
        left[:, diagonal, diagonal] += np.exp(self.theta[:, -1:])
        new = lower_inverse(np.asarray(np.linalg.cholesky(left), dtype=float))
        size = n + len(added.x)
        root = np.zeros((len(self.theta), size, size))
        root[:, :n, :n], root[:, n:, n:] = old, new
        root[:, n:, :n] = -new @ (projected.transpose(0, 2, 1) @ old)
        return root
