"""Posterior of the loss at representer points, and quadrature over a standard normal.

Both estimators of the minimiser's entropy are built on these.
"""

from __future__ import annotations

import numpy as np

from benchmarks.core.arrays import Array
from methods.models.gp import Posterior
from methods.models.kernels import Points


class RepresenterPosterior:
    """Joint posterior of the loss at ``R`` representers, for ``m`` hyperparameter samples.

    Values are in the standardised units of the posterior, which do not affect information gains.

    Args:
        posterior: loss model with ``m`` hyperparameter samples.
        representers: configs in the unit cube, shape ``(m, R, width)``, one set per hyperparameter
            sample.
        basis: fidelity basis at the target, shape ``(rank,)``.
    """

    def __init__(self, posterior: Posterior, representers: Array, basis: Array) -> None:
        self.posterior = posterior
        count = representers.shape[1]
        self._points = [Points(x, np.tile(basis, (count, 1))) for x in representers]
        # Conditioning on the data subtracts the square of this projection, (m, n, R).
        self._projected = posterior.root @ self._prior(posterior.data.points).transpose(0, 2, 1)
        self.mean = np.asarray((posterior.whitened[:, None, :] @ self._projected)[:, 0])
        """posterior mean, shape ``(m, R)``"""
        prior = np.stack([self._one_prior(i, p) for i, p in enumerate(self._points)])
        covariance = prior - self._projected.transpose(0, 2, 1) @ self._projected
        self.covariance = _jittered(covariance, prior)
        """posterior covariance with jitter on its diagonal, shape ``(m, R, R)``"""

    def _one_prior(self, sample: int, points: Points) -> Array:
        theta = self.posterior.theta[sample : sample + 1]
        covariance = self.posterior.kernel.covariance(theta, self._points[sample], points)
        return np.asarray(covariance[0])

    def _prior(self, points: Points) -> Array:
        """Return the prior covariance of representers and ``points``, shape ``(m, R, k)``."""
        return np.stack([self._one_prior(i, points) for i in range(len(self._points))])

    def response(self, points: Points) -> Array:
        """Return the shift of the mean per standard deviation of an observation, ``(m, R, k)``.

        This is ``cov(f_R, y) / sd(y)`` for noisy observations ``y`` at ``points``. Whatever is
        observed, the covariance shrinks by the outer product of this vector.
        """
        projected = self.posterior.project(points)
        theta = self.posterior.theta
        variance = self.posterior.kernel.variance(theta, points)
        variance = variance - np.einsum("mnk,mnk->mk", projected, projected)
        total = np.maximum(variance, 0) + np.exp(theta[:, -1:])
        covariance = self._prior(points) - self._projected.transpose(0, 2, 1) @ projected
        return np.asarray(covariance / np.sqrt(total)[:, None, :])


def _jittered(covariance: Array, prior: Array) -> Array:
    """Add jitter to posterior covariances ``(m, R, R)``, because representers may nearly coincide.

    The part relative to the posterior variance is too small to change the draws; the part relative
    to the prior variance covers the rounding error of subtracting from the prior.
    """
    diagonal = np.arange(covariance.shape[1])
    left = np.maximum(covariance[:, diagonal, diagonal], 0).mean(axis=1, keepdims=True)
    whole = prior[:, diagonal, diagonal].mean(axis=1, keepdims=True)
    jittered = covariance.copy()
    jittered[:, diagonal, diagonal] += 1e-6 * left + 1e-9 * whole
    return np.asarray(jittered)


def normal_quadrature(count: int) -> tuple[Array, Array]:
    """Return ``count`` nodes in [-3.5, 3.5] and weights for means over a standard normal.

    Both have shape ``(count,)``; a single node is 0 with weight 1. For smooth integrands the error
    of equally spaced nodes with normal weights falls exponentially with their number: 11 nodes are
    more accurate than 400 quantiles of equal weight, which the Fabolas paper's code uses.
    """
    values = np.linspace(-3.5, 3.5, count) if count > 1 else np.zeros(1)
    weights = np.exp(-0.5 * np.square(values))
    return values, weights / weights.sum()
