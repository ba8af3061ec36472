"""Candidate configs in the unit cube: everywhere, or near good ones; always real configs."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from benchmarks.core.arrays import Array
from benchmarks.core.space import Float, Space
from methods.models.training_data import Pending


def snap(space: Space, x: Array) -> Array:
    """Move points to where configs really are (integers, categories); ``(n, width)`` to the same.

    A model must see what would be evaluated. Real-valued parameters are only clipped, column by
    column, because their code and decode cancel.
    """
    snapped, at = np.clip(x, 0, 1), 0
    for parameter in space.parameters.values():
        columns = slice(at, at + parameter.width)
        if not isinstance(parameter, Float):
            rows = [parameter.encode(parameter.decode(row)) for row in snapped[:, columns]]
            snapped[:, columns] = rows
        at += parameter.width
    return snapped


def uniform(space: Space, count: int, rng: np.random.Generator) -> Array:
    """Uniform configs, shape ``(count, width)``."""
    return snap(space, rng.random((count, space.width)))


def around(
    space: Space, centres: Array, count: int, rng: np.random.Generator, spread: float = 1.0
) -> Array:
    """Configs near ``centres`` of shape ``(k, width)``, taken in turn; shape ``(count, width)``.

    Normal steps whose scale is itself drawn between 0.001 and 0.3 of the cube's side, evenly in
    the logarithm, so that they explore a neighbourhood and polish a point alike; all times
    ``spread``.
    """
    scale = spread * 10 ** rng.uniform(-3, np.log10(0.3), (count, 1))
    steps = scale * rng.standard_normal((count, space.width))
    return snap(space, centres[np.arange(count) % len(centres)] + steps)


def unless_pending(score: Array, x: Array, s: Array, pending: Pending | None) -> Array:
    """The ``score``, shape ``(k,)``, but -inf where a trial runs with that config and fidelity.

    Configs are ``(k, width)``, fidelities ``(k,)``; what differs by rounding alone is the same.
    """
    if pending is None:
        return score
    same = (cdist(x, pending.x, "chebyshev") < 1e-9) & (s[:, None] == pending.s)
    return np.where(same.any(axis=1), -np.inf, score)
