"""Information gain about the minimiser at the target fidelity, from joint samples (Monte Carlo).

The minimiser is sought among ``R`` representer points at the target fidelity (Hennig & Schuler
2012, sec. 2). For each hyperparameter sample, ``N`` joint draws of the loss at the representers
estimate the distribution ``p_min`` of the minimiser. The effect of an observation is computed from
the same draws in two ways: a cheap bound that ranks hundreds of candidates, and an exact estimate
for the best of them. Unlike ``entropy_ep``, neither uses a series expansion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from benchmarks.core.arrays import Array
from methods.acquisition.representer_posterior import RepresenterPosterior, normal_quadrature
from methods.models.gp import lower_inverse
from methods.models.kernels import Points

SHARPEST = 0.01
"""smallest variance of an observation given a draw, as a share of its total variance; smaller
values are raised to it, so that many draws explain each outcome"""
FEWEST = 8
"""smallest number of draws per minimiser from which the screen estimates a covariance"""


class MonteCarloEntropy:
    """Distribution of the minimiser over representers, and the information gain of observations.

    Args:
        posterior: posterior of the loss at ``R`` representers, for ``m`` hyperparameter samples.
        draws: number ``N`` of joint draws.
        innovations: number of quadrature nodes for the outcome of an observation.
        rng: generator of the normals behind the draws; all candidates share these normals.
    """

    def __init__(
        self,
        posterior: RepresenterPosterior,
        draws: int,
        innovations: int,
        rng: np.random.Generator,
    ) -> None:
        self._posterior = posterior
        self._nodes, self._weights = normal_quadrature(innovations)
        self._root = np.asarray(np.linalg.cholesky(posterior.covariance), dtype=float)
        self._inverse = lower_inverse(self._root)
        common = self._inverse.sum(axis=2, keepdims=True)
        self._common = common / np.sqrt(np.square(common).sum(axis=1, keepdims=True))
        mean, count = posterior.mean, posterior.mean.shape[1]
        self._z = _whitened_normals(len(mean), draws, count, rng)
        moved = self._z @ self._root.transpose(0, 2, 1).astype(np.float32)
        self.samples = mean[:, None, :] + moved
        """joint draws at the representers, shape ``(m, N, R)``"""
        self._least = self.samples.argmin(axis=2)
        self._indicator = (self._least[:, None, :] == np.arange(count)[:, None]).astype(np.float32)
        self.p_min = np.asarray(self._indicator.mean(axis=2, dtype=float))
        """probability that each representer is the minimiser, shape ``(m, R)``"""
        # Estimated entropies are too low by half the sum of var(p) / p (Miller 1955).
        bias = 0.5 * ((self.p_min > 0).sum(axis=1) - 1) / draws
        self.entropy = bias - xlogy(self.p_min, self.p_min).sum(axis=1)
        """entropy of ``p_min`` in nats, shape ``(m,)``"""
        self._scatters = [self._scatter(i) for i in range(len(mean))]

    def _influence(self, points: Points) -> Array:
        """Return coefficients of standardised observations on the draws' normals, ``(m, R, k)``.

        ``c = root^-1 cov(f_R, y) / sd(y)``, of length at most 1, minus its component along
        ``root^-1 1``: that direction shifts all representers equally, so it carries no information
        about which of them is the lowest.
        """
        c = self._inverse @ self._posterior.response(points)
        c /= np.maximum(np.sqrt(np.square(c).sum(axis=1, keepdims=True)), 1.0)
        return np.asarray(c - self._common * (self._common * c).sum(axis=1, keepdims=True))

    def screen(self, points: Points) -> Array:
        """Return a lower bound on the gain, for ranking; in nats, shape ``(m, k)``.

        Mutual information is symmetric, so the gain is also the information of the minimiser about
        the observation ``y``, which is normal: ``H(y) - sum_r p_r H(y | minimiser r)``. A normal
        has the largest entropy for its variance, so replacing the conditional entropies by those of
        normals bounds the gain from below (as in predictive entropy search, Hernandez-Lobato et al.
        2014, but with exact moments).
        """
        c = self._influence(points)
        explained = np.square(c).sum(axis=1)
        gain = np.zeros_like(explained)
        for i, (p, dof, scatter) in enumerate(self._scatters):
            one = c[i].astype(np.float32)
            product = scatter @ one
            product *= one  # in place: allocating costs more than multiplying
            within = product.sum(axis=1)
            remaining = np.maximum(1 - explained[i] + within, 1e-6)
            # The logarithm of an estimated variance is too low by half its relative variance.
            log_remaining = np.log(remaining) + np.square(within / remaining) / dof
            gain[i] = -0.5 * (p @ log_remaining)
        return np.asarray(gain)

    def _scatter(self, i: int) -> tuple[Array, Array, NDArray[np.float32]]:
        """Return probability, degrees of freedom and covariance of minimisers with enough draws.

        The other minimisers count as no information, so the screen stays a lower bound. The
        covariances, shape ``(groups, R, R)``, are those of the normals behind the draws, in which
        an observation is linear.
        """
        groups = [self._z[i, self._least[i] == g] for g in range(self._z.shape[2])]
        groups = [z for z in groups if len(z) >= FEWEST]
        size = np.array([len(z) for z in groups]).reshape(-1, 1)
        scatter = np.empty((len(groups), *self._root.shape[1:]), dtype=np.float32)
        for z, covariance in zip(groups, scatter, strict=True):
            away = z - z.mean(axis=0)
            covariance[:] = away.T @ away / (len(z) - 1)
        return size[:, 0] / self._z.shape[1], size - 1, scatter

    def gain(self, points: Points) -> Array:
        """Return the expected decrease of the minimiser's entropy, in nats, shape ``(m, k)``.

        Given a draw ``z``, the standardised observation is normal with mean ``c'z`` and variance
        ``1 - c'c``. So the probability of an outcome under each minimiser is a mean over that
        minimiser's draws, Bayes' rule gives ``p_min`` after the outcome, and quadrature over
        outcomes gives the expected entropy. There is no series expansion, and unlike counting the
        draws whose minimiser changes, the estimate stays precise for small gains. Without the bias
        correction of ``entropy``, an observation that moves the draws but says nothing about the
        minimiser would appear to gain about 1/30 nat, which is much for a cheap candidate.
        """
        c = self._influence(points)
        precision = 0.5 / np.maximum(1 - np.square(c).sum(axis=1), SHARPEST)
        nodes = self._nodes.astype(np.float32)[:, None]
        remaining = np.empty_like(precision)
        for i, one in enumerate(c):
            groups = np.ascontiguousarray(self._indicator[i, self.p_min[i] > 0].T)
            expected = (self._z[i] @ one.astype(np.float32)).T
            for j, sharp in enumerate(precision[i].astype(np.float32)):
                away = nodes - expected[j]
                np.square(away, out=away)
                away -= away.min(axis=1, keepdims=True)  # so that the weights do not all underflow
                away *= -sharp
                np.exp(away, out=away)
                p = away @ groups
                total = p.sum(axis=1, keepdims=True)
                p /= total
                squares = np.square(away, out=away) @ groups / total**2
                variance = squares * (1 - 2 * p) + p * p * squares.sum(axis=1, keepdims=True)
                bias = 0.5 * variance / np.maximum(p, np.float32(1e-30))
                remaining[i, j] = self._weights @ (bias - xlogy(p, p)).sum(axis=1)
        return np.asarray(self.entropy[:, None] - remaining)


def _whitened_normals(
    m: int, draws: int, size: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw normals with sample mean 0 and identity sample covariance; ``(m, draws, size)``.

    Matching the moments makes the total variance in ``screen`` exact and reduces the noise of
    ``screen`` and ``gain``.
    """
    z = rng.standard_normal((m, draws, size), dtype=np.float32)
    z -= z.mean(axis=1, keepdims=True)
    L = np.linalg.cholesky((z.transpose(0, 2, 1) @ z / draws).astype(float))
    return np.asarray(z @ lower_inverse(L).transpose(0, 2, 1).astype(np.float32))
