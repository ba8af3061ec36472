"""Information gain about the minimiser at the target, by expectation propagation (EPMGP).

As in Entropy Search (Hennig & Schuler 2012, sec. 2) and the Fabolas paper: ``p_min`` over ``R``
representers is a set of orthant probabilities, and its logarithm after an observation is expanded
to second order in the change of the mean and first order in that of the covariance. The expansion
finds only about half to three quarters of the largest gains, so gain per cost leans to cheap
candidates (measured in ``tests/methods/acquisition/test_entropy_ep.py``).
"""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp, xlogy

from benchmarks.core.arrays import Array
from methods.acquisition.joint import Joint, outcomes
from methods.acquisition.orthant import Orthants, orthants
from methods.models.kernels import Points


class EPEntropy:
    """The minimiser's distribution over representers, and what observations tell about it.

    The gain is the decrease of the entropy over the representers. Hennig & Schuler's is that of
    the relative entropy to the representers' density; the two differ by the expected change of a
    linear function of ``p_min``, which is none, a probability being a martingale.

    Args:
        joint: the loss at ``R`` representers, for ``m`` hyperparameter samples.
        innovations: number of outcomes that stand for an observation's.
    """

    def __init__(self, joint: Joint, innovations: int) -> None:
        self._joint = joint
        self._outcomes, self._weights = outcomes(innovations)
        m, R = joint.mean.shape
        self.log_p_min = np.empty((m, R))
        """logarithm of the probability of each representer to be the minimiser, ``(m, R)``"""
        self._slope = np.empty((m, R, R), dtype=np.float32)
        self._curvature = np.empty((m, R, R, R), dtype=np.float32)
        for i in range(m):
            found = minimisers(joint.mean[i], joint.covariance[i])
            self.log_p_min[i] = found.log_p - logsumexp(found.log_p)
            self._slope[i], self._curvature[i] = found.slope, found.curvature
        self.p_min = np.asarray(np.exp(self.log_p_min))
        """shape ``(m, R)``"""
        self.entropy = -xlogy(self.p_min, self.p_min).sum(axis=1)
        """entropy of ``p_min`` in nats, shape ``(m,)``"""

    def screen(self, points: Points) -> Array:
        """The gain itself: it is cheap enough to rank by; in nats, shape ``(m, k)``."""
        return self.gain(points)

    def gain(self, points: Points) -> Array:
        """Expected decrease of the entropy of the minimiser, in nats, shape ``(m, k)``.

        An outcome ``w`` moves the mean by ``w b`` and the covariance by ``-b b'``, so with the
        slope ``g`` and the curvature ``K`` of ``log p_r``, ``a = g'b`` and ``q = b'Kb``, it moves
        ``log p_r`` by ``a w - a^2 / 2 + q (1 - w^2) / 2``; what is equal for all ``r`` falls out.
        """
        response = self._joint.response(points).astype(np.float32)
        m, R, k = response.shape
        left = np.empty((m, k))
        for i, b in enumerate(response):
            a = self._slope[i] @ b
            bent = (self._curvature[i].reshape(R * R, R) @ b).reshape(R, R, k)
            q = np.einsum("rsk,sk->rk", bent, b)
            log_p = self.log_p_min[i].astype(np.float32)[:, None] - 0.5 * a * a
            left[i] = 0
            for w, weight in zip(self._outcomes, self._weights, strict=True):
                moved = log_p + np.float32(w) * a + np.float32(0.5 * (1 - w * w)) * q
                moved -= moved.max(axis=0)
                p = np.exp(moved)
                total = p.sum(axis=0)
                left[i] += weight * (np.log(total) - np.einsum("rk,rk->k", p, moved) / total)
        return np.asarray(self.entropy[:, None] - left)


def minimisers(mean: Array, covariance: Array) -> Orthants:
    """For every coordinate of a normal vector, the probability to be the least, not normalised.

    Means ``(R,)`` and covariance ``(R, R)`` give ``log_p`` of shape ``(R,)``, slope ``(R, R)`` and
    curvature ``(R, R, R)``: the r-th is about the event that coordinate r is the least.
    """
    R = len(mean)
    others = np.array([[j for j in range(R) if j != r] for r in range(R)])
    r = np.arange(R)[:, None]
    cross = covariance[others, r]
    spread = covariance[others[:, :, None], others[:, None, :]]
    spread = spread - cross[:, :, None] - cross[:, None, :] + covariance[r, r][:, :, None]
    found = orthants(mean[others] - mean[r], spread)
    slope, curvature = np.zeros((R, R)), np.zeros((R, R, R))
    np.put_along_axis(slope, others, found.slope, axis=1)
    slope[r, r] = -found.slope.sum(axis=1, keepdims=True)
    one = r[:, :, None]
    curvature[one, others[:, :, None], others[:, None, :]] = found.curvature
    rest = -found.curvature.sum(axis=2)
    curvature[r, others, r] = curvature[r, r, others] = rest
    curvature[r, r, r] = -rest.sum(axis=1, keepdims=True)
    return Orthants(found.log_p, slope, curvature)
