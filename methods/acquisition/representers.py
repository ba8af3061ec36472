"""Representer points: possible minimisers at the target (Hennig & Schuler 2012, sec. 2.2)."""

from __future__ import annotations

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Space
from methods.acquisition.candidates import around, uniform
from methods.acquisition.improvement import log_expected_improvement
from methods.models.gp import Posterior
from methods.models.kernels import Points


def at_target(x: Array, basis: Array) -> Points:
    """Return configs ``(n, width)`` as model inputs at the target, with ``basis`` ``(rank,)``."""
    return Points(x, np.tile(basis, (len(x), 1)))


def draw_representers(
    posterior: Posterior,
    space: Space,
    evaluated: Array,
    basis: Array,
    count: int,
    rng: np.random.Generator,
) -> Array:
    """Draw representers for each hyperparameter sample, shape ``(m, count, width)``.

    The pool is 600 uniform configs and 300 around the five best configs of ``evaluated``, shape
    ``(n, width)``. Representers are drawn from it without replacement, with probabilities
    proportional to expected improvement at the target fidelity over the lowest posterior mean.
    """
    means = posterior.mean(at_target(evaluated, basis))
    promising = np.argsort(means.mean(axis=0), kind="stable")[:5]
    near = around(space, evaluated[promising], 300, rng)
    pool = np.concatenate([uniform(space, 600, rng), near])
    lowest = means.min(axis=1, keepdims=True)
    parts = []
    for part in np.array_split(pool, 3):  # one third at a time, to save memory
        points = at_target(part, basis)
        projected = posterior.project(points)
        mean = posterior.mean(points, projected)
        sd = np.sqrt(posterior.variance(points, projected))
        parts.append(log_expected_improvement(mean, sd, lowest))
    score = np.concatenate(parts, axis=1)
    # Gumbel top-k: the largest of log weight + noise are a weighted draw without replacement.
    score += rng.gumbel(size=score.shape)
    chosen = np.argsort(-score, axis=1, kind="stable")[:, :count]
    return np.asarray(pool[chosen])
