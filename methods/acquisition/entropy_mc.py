"""Information gain about the minimiser at the target, from joint samples (Monte Carlo).

The minimiser is looked for among ``R`` representer points at the target (Hennig & Schuler 2012,
sec. 2). For each hyperparameter sample, ``N`` joint draws of the loss at the representers give the
distribution ``p_min`` of its place. What an observation would change is computed from these same
draws in two ways: a cheap one that ranks hundreds of candidates, and an exact one for the best of
them. Neither expands anything, as ``entropy_ep`` does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from benchmarks.core.arrays import Array
from methods.acquisition.joint import Joint, outcomes
from methods.models.gp import lower_inverse
from methods.models.kernels import Points

SHARPEST = 0.01
"""least variance left to an observation by a draw, as a share of its variance; finer ones are
treated as that noisy, so that each outcome is explained by many draws"""
FEWEST = 8
"""draws of a minimiser from which the screen takes a variance"""


class MonteCarloEntropy:
    """The minimiser's distribution over representers, and what observations tell about it.

    Args:
        joint: the loss at ``R`` representers, for ``m`` hyperparameter samples.
        draws: number ``N`` of joint draws.
        innovations: number of outcomes that stand for an observation's.
        rng: source of the normals behind the draws, which all candidates share.
    """

    def __init__(
        self, joint: Joint, draws: int, innovations: int, rng: np.random.Generator
    ) -> None:
        self._joint = joint
        self._outcomes, self._weights = outcomes(innovations)
        self._root = np.asarray(np.linalg.cholesky(joint.covariance), dtype=float)
        self._inverse = lower_inverse(self._root)
        together = self._inverse.sum(axis=2, keepdims=True)
        self._together = together / np.sqrt(np.square(together).sum(axis=1, keepdims=True))
        mean, count = joint.mean, joint.mean.shape[1]
        self._z = _whitened_normals(len(mean), draws, count, rng)
        moved = self._z @ self._root.transpose(0, 2, 1).astype(np.float32)
        self.samples = mean[:, None, :] + moved
        """joint draws at the representers, shape ``(m, N, R)``"""
        self._least = self.samples.argmin(axis=2)
        self._indicator = (self._least[:, None, :] == np.arange(count)[:, None]).astype(np.float32)
        self.p_min = np.asarray(self._indicator.mean(axis=2, dtype=float))
        """probability of each representer to be the minimiser, shape ``(m, R)``"""
        # Entropies of estimated probabilities are low by half the sum of var(p) / p (Miller 1955).
        low = 0.5 * ((self.p_min > 0).sum(axis=1) - 1) / draws
        self.entropy = low - xlogy(self.p_min, self.p_min).sum(axis=1)
        """entropy of ``p_min`` in nats, shape ``(m,)``"""
        self._scatters = [self._scatter(i) for i in range(len(mean))]

    def _influence(self, points: Points) -> Array:
        """Regression of standardised observations on the normals behind the draws: ``(m, R, k)``.

        ``c = root^-1 cov(f_R, y) / sd(y)``, of length at most 1, less its part along
        ``root^-1 1``: that direction moves all representers together, and so tells nothing about
        which of them is the lowest.
        """
        c = self._inverse @ self._joint.response(points)
        c /= np.maximum(np.sqrt(np.square(c).sum(axis=1, keepdims=True)), 1.0)
        return np.asarray(c - self._together * (self._together * c).sum(axis=1, keepdims=True))

    def screen(self, points: Points) -> Array:
        """A lower bound on the gain, for ranking; in nats, shape ``(m, k)``.

        The gain is also what the minimiser tells about the observation ``y``, which is normal:
        ``H(y) - sum_r p_r H(y | minimiser r)``. A normal has the largest entropy for its variance,
        so replacing the conditional entropies by those of normals bounds the gain from below
        (as in predictive entropy search, Hernandez-Lobato et al. 2014, but with exact moments).
        """
        c = self._influence(points)
        explained = np.square(c).sum(axis=1)
        gain = np.zeros_like(explained)
        for i, (p, spare, scatter) in enumerate(self._scatters):
            one = c[i].astype(np.float32)
            product = scatter @ one
            product *= one  # in place: fresh megabytes cost more than the multiplication
            within = product.sum(axis=1)
            left = np.maximum(1 - explained[i] + within, 1e-6)
            # The logarithm of an estimated variance is low by half its relative variance.
            log_left = np.log(left) + np.square(within / left) / spare
            gain[i] = -0.5 * (p @ log_left)
        return np.asarray(gain)

    def _scatter(self, i: int) -> tuple[Array, Array, NDArray[np.float32]]:
        """Of each minimiser with draws enough: probability, draws to spare, covariance.

        The others count as no information: the screen stays a lower bound. The covariance
        ``(groups, R, R)`` is that of the normals behind the draws, in which an observation is
        linear.
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
        """Expected decrease of the entropy of the minimiser, in nats, shape ``(m, k)``.

        Given a draw, the standardised observation is normal with mean ``c'z`` and variance
        ``1 - c'c``; so the probability of an outcome under each minimiser is a mean over its draws,
        Bayes' rule gives ``p_min`` after that outcome, and one integral over outcomes the expected
        entropy. No expansion, and unlike counting moved draws it stays precise for small gains.
        Without the correction of ``entropy``, an observation that moves the draws but tells
        nothing about the minimiser would seem worth some thirtieth of a nat: much, if cheap.
        """
        c = self._influence(points)
        precision = 0.5 / np.maximum(1 - np.square(c).sum(axis=1), SHARPEST)
        outcomes = self._outcomes.astype(np.float32)[:, None]
        left = np.empty_like(precision)
        for i, one in enumerate(c):
            groups = np.ascontiguousarray(self._indicator[i, self.p_min[i] > 0].T)
            expected = (self._z[i] @ one.astype(np.float32)).T
            for j, sharp in enumerate(precision[i].astype(np.float32)):
                away = outcomes - expected[j]
                np.square(away, out=away)
                away -= away.min(axis=1, keepdims=True)  # so that some draw explains each outcome
                away *= -sharp
                np.exp(away, out=away)
                p = away @ groups
                total = p.sum(axis=1, keepdims=True)
                p /= total
                squares = np.square(away, out=away) @ groups / total**2
                variance = squares * (1 - 2 * p) + p * p * squares.sum(axis=1, keepdims=True)
                low = 0.5 * variance / np.maximum(p, np.float32(1e-30))
                left[i, j] = self._weights @ (low - xlogy(p, p)).sum(axis=1)
        return np.asarray(self.entropy[:, None] - left)


def _whitened_normals(
    m: int, draws: int, size: int, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Normals with sample mean 0 and sample covariance the identity; ``(m, draws, size)``.

    Matching the moments makes the screen's total variance exact and lowers the noise of both.
    """
    z = rng.standard_normal((m, draws, size), dtype=np.float32)
    z -= z.mean(axis=1, keepdims=True)
    L = np.linalg.cholesky((z.transpose(0, 2, 1) @ z / draws).astype(float))
    return np.asarray(z @ lower_inverse(L).transpose(0, 2, 1).astype(np.float32))
