"""Information gain about the minimiser at the target fidelity, by expectation propagation (EPMGP).

As in Entropy Search (Hennig & Schuler 2012, sec. 2) and the Fabolas paper: ``p_min`` over ``R``
representers is a set of orthant probabilities, and its logarithm after an observation is expanded
to second order in the change of the mean and first order in that of the covariance. The expansion
recovers only about half to three quarters of the largest gains, so gain per cost is biased towards
cheap candidates (measured in ``tests/methods/acquisition/test_entropy_ep.py``).
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, xlogy

from benchmarks.core.arrays import Array
from methods.acquisition.orthant import Orthants, orthants
from methods.acquisition.representer_posterior import RepresenterPosterior, normal_quadrature
from methods.models.kernels import Points


class EPEntropy:
    """Distribution of the minimiser over representers, and the information gain of observations.

    The gain is the decrease of the entropy over the representers. Hennig & Schuler use the relative
    entropy to the representers' density. The two gains are equal: they differ by the expected
    change of a linear function of ``p_min``, which is zero because probabilities are martingales.

    Args:
        posterior: posterior of the loss at ``R`` representers, for ``m`` hyperparameter samples.
        innovations: number of quadrature nodes for the outcome of an observation.
    """

    def __init__(self, posterior: RepresenterPosterior, innovations: int) -> None:
        self._posterior = posterior
        self._nodes, self._weights = normal_quadrature(innovations)
        m, R = posterior.mean.shape
        self.log_p_min = np.empty((m, R))
        """log probability that each representer is the minimiser, shape ``(m, R)``"""
        self._slope = np.empty((m, R, R), dtype=np.float32)
        self._curvature = np.empty((m, R, R, R), dtype=np.float32)
        for i in range(m):
            orthant = minimisers(posterior.mean[i], posterior.covariance[i])
            self.log_p_min[i] = orthant.log_p - logsumexp(orthant.log_p)
            self._slope[i], self._curvature[i] = orthant.slope, orthant.curvature
        self.p_min = np.asarray(np.exp(self.log_p_min))
        """probability that each representer is the minimiser, shape ``(m, R)``"""
        self.entropy = -xlogy(self.p_min, self.p_min).sum(axis=1)
        """entropy of ``p_min`` in nats, shape ``(m,)``"""

    def screen(self, points: Points) -> Array:
        """Return the gain itself, as it is cheap enough for ranking; in nats, shape ``(m, k)``."""
        return self.gain(points)

    def gain(self, points: Points) -> Array:
        """Return the expected decrease of the minimiser's entropy, in nats, shape ``(m, k)``.

        A standardised outcome ``w`` moves the mean by ``w b`` and the covariance by ``-b b'``. With
        the slope ``g`` and the curvature ``K`` of ``log p_r``, ``a = g'b`` and ``q = b'Kb``, this
        changes ``log p_r`` by ``a w - a^2 / 2 + q (1 - w^2) / 2``. Terms that are equal for all
        ``r`` cancel when ``p_min`` is normalised.
        """
        response = self._posterior.response(points).astype(np.float32)
        m, R, k = response.shape
        remaining = np.empty((m, k))
        for i, b in enumerate(response):
            a = self._slope[i] @ b
            bent = (self._curvature[i].reshape(R * R, R) @ b).reshape(R, R, k)
            q = np.einsum("rsk,sk->rk", bent, b)
            log_p = self.log_p_min[i].astype(np.float32)[:, None] - 0.5 * a * a
            remaining[i] = 0
            for w, weight in zip(self._nodes, self._weights, strict=True):
                moved = log_p + np.float32(w) * a + np.float32(0.5 * (1 - w * w)) * q
                moved -= moved.max(axis=0)
                p = np.exp(moved)
                total = p.sum(axis=0)
                remaining[i] += weight * (np.log(total) - np.einsum("rk,rk->k", p, moved) / total)
        return np.asarray(self.entropy[:, None] - remaining)


def minimisers(mean: Array, covariance: Array) -> Orthants:
    """Return the unnormalised probability that each coordinate of a normal vector is the smallest.

    Mean ``(R,)`` and covariance ``(R, R)`` give ``log_p`` of shape ``(R,)``, slope ``(R, R)`` and
    curvature ``(R, R, R)``; entry r belongs to the event that coordinate r is the smallest.
    """
    R = len(mean)
    others = np.array([[j for j in range(R) if j != r] for r in range(R)])
    r = np.arange(R)[:, None]
    cross = covariance[others, r]
    spread = covariance[others[:, :, None], others[:, None, :]]
    spread = spread - cross[:, :, None] - cross[:, None, :] + covariance[r, r][:, :, None]
    orthant = orthants(mean[others] - mean[r], spread)
    slope, curvature = np.zeros((R, R)), np.zeros((R, R, R))
    np.put_along_axis(slope, others, orthant.slope, axis=1)
    slope[r, r] = -orthant.slope.sum(axis=1, keepdims=True)
    one = r[:, :, None]
    curvature[one, others[:, :, None], others[:, None, :]] = orthant.curvature
    rest = -orthant.curvature.sum(axis=2)
    curvature[r, others, r] = curvature[r, r, others] = rest
    curvature[r, r, r] = -rest.sum(axis=1, keepdims=True)
    return Orthants(orthant.log_p, slope, curvature)
