"""Matern-5/2 over the unit cube times a finite-rank kernel over the fidelity (Fabolas, sec. 4.1).

``k((x, s), (x', s')) = matern52(|x - x'|_ell) * phi(s)' Sigma phi(s')`` with ``Sigma = L L'``,
after Klein et al. 2017 (AISTATS). ``phi`` holds the values of a few basis functions; their number
is the rank. The amplitude is the first entry of ``Sigma``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array


def log_size(s: Array, low: float) -> Array:
    """Map fidelities in [low, 1] to [0, 1], linear in log2; shape ``(n,)`` to ``(n,)``.

    This is RoBO's coordinate (robo/fmin/fabolas.py at 823a5de). If ``low`` is 1, the target is the
    only fidelity, and all values are 1.
    """
    s = np.asarray(s, dtype=float)
    if low >= 1:
        return np.ones_like(s)
    coordinate: Array = np.clip(1 - np.log2(s) / np.log2(low), 0, 1)
    return coordinate


def from_log_size(u: Array, low: float) -> Array:
    """Invert ``log_size``; shape ``(n,)`` to ``(n,)``."""
    return np.asarray(low ** (1 - np.asarray(u, dtype=float)))


def loss_basis(u: Array, powers: Sequence[int] = (2,)) -> Array:
    """Return ``1`` and powers of ``1 - u`` for log sizes ``u``; ``(n,)`` to ``(n, rank)``.

    The rank is ``1 + len(powers)``. The basis of the paper is ``(1, (1 - u)^2)``. At the target
    fidelity all functions but the constant are 0.
    """
    return np.stack([np.ones_like(u), *((1 - u) ** power for power in powers)], axis=-1)


def cost_basis(u: Array) -> Array:
    """Return ``(1, u)`` for log sizes ``u``, so cost is a power law; ``(n,)`` to ``(n, 2)``."""
    return np.stack([np.ones_like(u), u], axis=-1)


def constant_basis(s: Array) -> Array:
    """Return ``1`` at every fidelity, for models of the target alone; ``(n,)`` to ``(n, 1)``."""
    return np.ones((len(s), 1))


def indicator_basis(s: Array, values: Sequence[float]) -> Array:
    """Return one-hot codes of fidelities, each one of ``values``; ``(n,)`` to ``(n, len(values))``.

    With this basis ``Sigma`` holds the covariances between tasks, and the product kernel is that of
    intrinsic coregionalisation (Swersky et al. 2013, eq. 3).
    """
    return np.asarray(s[:, None] == np.asarray(values), dtype=float)


Basis = Callable[[Array], Array]
"""values of the basis functions at fidelities: ``(n,)`` to ``(n, rank)``"""


class Points(NamedTuple):
    """Inputs of the kernel: configs in the unit cube, and the basis at their fidelities."""

    x: Array
    """configs, shape ``(n, width)``"""
    phi: Array
    """values of the basis functions, shape ``(n, rank)``"""


def squared_differences(a: Array, b: Array) -> Array:
    """Return squared differences per coordinate, shape ``(width, len(a) * len(b))``.

    Once they are computed, each set of length scales needs only one matrix product.
    """
    return np.square(a.T[:, :, None] - b.T[:, None, :]).reshape(a.shape[1], -1)


def matern52(r2: Array) -> Array:
    """Return the Matern-5/2 correlation for squared scaled distances; overwrites ``r2``."""
    r2 *= 5
    r = np.sqrt(r2)
    r2 /= 3
    r2 += r
    r2 += 1
    np.negative(r, out=r)
    np.exp(r, out=r)
    r2 *= r
    return r2


@dataclass(frozen=True)
class ProductKernel:
    """Product kernel, evaluated for a batch of hyperparameters at once.

    Hyperparameters ``theta``, in this order: ``width`` log length scales, then the free entries of
    ``L`` row by row, with the logarithms of its diagonal. These are ``size`` columns; further ones
    are ignored.
    """

    width: int
    rank: int = 2
    diagonal: bool = False
    """True for a diagonal ``Sigma`` (as RoBO ran), False for a full one (as in the paper)"""

    @property
    def size(self) -> int:
        """Number of hyperparameters."""
        return self.width + len(self.entries[0])

    @cached_property
    def entries(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns of the free entries of ``L``: its lower triangle, or its diagonal."""
        if self.diagonal:
            return np.arange(self.rank), np.arange(self.rank)
        return np.tril_indices(self.rank)

    def factor(self, theta: Array) -> Array:
        """Return the Cholesky factor of ``Sigma``; ``(m, >= size)`` to ``(m, rank, rank)``."""
        rows, columns = self.entries
        L = np.zeros((len(theta), self.rank, self.rank))
        L[:, rows, columns] = theta[:, self.width : self.size]
        diagonal = np.arange(self.rank)
        L[:, diagonal, diagonal] = np.exp(L[:, diagonal, diagonal])
        return L

    def chain(self, theta: Array, factor: Array, over_factor: Array) -> Array:
        """Convert the gradient with respect to ``L`` to one with respect to its free entries.

        ``theta`` has shape ``(size,)``, ``factor`` is ``L`` and ``over_factor`` the gradient with
        respect to it, both ``(rank, rank)``; ``over_factor`` is overwritten.
        """
        over_factor[np.diag_indices(self.rank)] *= np.diag(factor)
        return np.asarray(over_factor[self.entries])

    def over_config(self, theta: Array, d2: Array) -> Array:
        """Return the Matern-5/2 factor, ``(m, pairs)``, for ``d2`` of shape ``(width, pairs)``."""
        return matern52(np.exp(-2 * theta[:, : self.width]) @ d2)

    def over_fidelity(self, theta: Array, a: Array, b: Array) -> Array:
        """Return ``phi' Sigma phi`` of bases ``(n, rank)`` and ``(k, rank)``, ``(m, n, k)``."""
        L = self.factor(theta)
        return (a @ L) @ (b @ L).transpose(0, 2, 1)

    def covariance(self, theta: Array, a: Points, b: Points) -> Array:
        """Return the prior covariance, shape ``(m, len(a.x), len(b.x))``."""
        K = self.over_config(theta, squared_differences(a.x, b.x))
        K = K.reshape(len(theta), len(a.x), len(b.x))
        K *= self.over_fidelity(theta, a.phi, b.phi)
        return K

    def variance(self, theta: Array, a: Points) -> Array:
        """Return the prior variance, shape ``(m, len(a.x))``."""
        return np.asarray(np.square(a.phi @ self.factor(theta)).sum(axis=-1))


@dataclass(frozen=True)
class SmoothKernel(ProductKernel):
    """Squared exponential over the costs of a few fidelities, times Matern-5/2 over the config.

    The basis is ``indicator_basis``, so ``Sigma`` holds the kernel's values between the fidelities:
    ``exp(2 a - (c - c')^2 / (2 l^2))``. Hyperparameters ``theta``: ``width`` log length scales, the
    log amplitude ``a``, and ``log l``.
    """

    costs: tuple[float, ...] = ()
    """nominal cost of each of the ``rank`` fidelities, in full trainings"""

    @property
    def size(self) -> int:
        """Number of hyperparameters."""
        return self.width + 2

    @cached_property
    def _apart(self) -> Array:
        """Squared differences of the costs, shape ``(rank, rank)``."""
        return np.square(np.subtract.outer(self.costs, self.costs))

    def factor(self, theta: Array) -> Array:
        """Return the Cholesky factor of ``Sigma``; ``(m, >= size)`` to ``(m, rank, rank)``."""
        amplitude, scale = np.exp(2 * theta[:, self.width : self.width + 2]).T[:, :, None, None]
        # jitter: similar costs would make the matrix singular
        smooth = np.exp(-0.5 * self._apart / scale) + 1e-8 * np.eye(self.rank)
        return np.asarray(np.linalg.cholesky(amplitude * smooth))

    def chain(self, theta: Array, factor: Array, over_factor: Array) -> Array:
        """Convert the gradient with respect to ``L`` to one with respect to ``a`` and ``log l``.

        With the gradient ``G`` with respect to ``Sigma``, the one with respect to ``L`` is
        ``2 G L``.
        """
        sigma = factor @ factor.T
        weighted = 0.5 * np.linalg.solve(factor.T, over_factor.T).T * sigma
        scale = np.exp(2 * theta[self.width + 1])
        return np.array([2 * weighted.sum(), (weighted * self._apart).sum() / scale])
