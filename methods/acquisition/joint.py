"""The loss at representer points: what both computations of the minimiser's entropy start from."""

from __future__ import annotations

import numpy as np

from benchmarks.core.arrays import Array
from methods.models.gp import Posterior
from methods.models.kernels import Points


class Joint:
    """Joint posterior of the loss at ``R`` representers at the target, for ``m`` samples.

    Works in the posterior's standardised units, which information gains do not depend on.

    Args:
        posterior: loss model with ``m`` hyperparameter samples.
        representers: configs in the unit cube, shape ``(m, R, width)``: a set for each sample.
        basis: the fidelity basis at the target, shape ``(rank,)``.
    """

    def __init__(self, posterior: Posterior, representers: Array, basis: Array) -> None:
        self.posterior = posterior
        count = representers.shape[1]
        self._points = [Points(x, np.tile(basis, (count, 1))) for x in representers]
        # Data at the representers: what conditioning takes away, (m, n, R), and what is left.
        self._projected = posterior.root @ self._prior(posterior.data.points).transpose(0, 2, 1)
        self.mean = np.asarray((posterior.whitened[:, None, :] @ self._projected)[:, 0])
        """shape ``(m, R)``"""
        prior = np.stack([self._one_prior(i, p) for i, p in enumerate(self._points)])
        covariance = prior - self._projected.transpose(0, 2, 1) @ self._projected
        self.covariance = _jittered(covariance, prior)
        """shape ``(m, R, R)``"""

    def _one_prior(self, sample: int, points: Points) -> Array:
        theta = self.posterior.theta[sample : sample + 1]
        covariance = self.posterior.kernel.covariance(theta, self._points[sample], points)
        return np.asarray(covariance[0])

    def _prior(self, points: Points) -> Array:
        """Prior covariance of representers and ``points``, shape ``(m, R, k)``."""
        return np.stack([self._one_prior(i, points) for i in range(len(self._points))])

    def response(self, points: Points) -> Array:
        """How the mean moves for an observation one standard deviation up; ``(m, R, k)``.

        ``cov(f_R, y) / sd(y)`` of noisy observations ``y`` at ``points``. The covariance loses the
        outer product of this vector, whatever is observed.
        """
        projected = self.posterior.project(points)
        theta = self.posterior.theta
        variance = self.posterior.kernel.variance(theta, points)
        variance = variance - np.einsum("mnk,mnk->mk", projected, projected)
        total = np.maximum(variance, 0) + np.exp(theta[:, -1:])
        covariance = self._prior(points) - self._projected.transpose(0, 2, 1) @ projected
        return np.asarray(covariance / np.sqrt(total)[:, None, :])


def _jittered(covariance: Array, prior: Array) -> Array:
    """Posterior covariances ``(m, R, R)``, whose points may nearly coincide, made invertible.

    What is added to the diagonal is small against both the posterior variance, so that draws stay
    what they are, and the rounding of the subtraction from the prior.
    """
    diagonal = np.arange(covariance.shape[1])
    left = np.maximum(covariance[:, diagonal, diagonal], 0).mean(axis=1, keepdims=True)
    whole = prior[:, diagonal, diagonal].mean(axis=1, keepdims=True)
    jittered = covariance.copy()
    jittered[:, diagonal, diagonal] += 1e-6 * left + 1e-9 * whole
    return np.asarray(jittered)


def outcomes(count: int) -> tuple[Array, Array]:
    """``count`` values from -3.5 to 3.5 and their weights, each ``(count,)``; 0 and 1 for one.

    For smooth integrands the error of equal steps with normal weights falls exponentially in their
    number: 11 do what 400 quantiles of equal weight, the Fabolas paper's code's, do not.
    """
    values = np.linspace(-3.5, 3.5, count) if count > 1 else np.zeros(1)
    weights = np.exp(-0.5 * np.square(values))
    return values, weights / weights.sum()
