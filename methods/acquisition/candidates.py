"""Candidate configs in the unit cube: uniform, or near good ones; always valid configs."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import cdist

from benchmarks.core.arrays import Array
from benchmarks.core.space import Float, Space
from methods.models.training_data import Pending


def snap(space: Space, x: Array) -> Array:
    """Move points to valid configs (integers, categories); ``(n, width)`` to the same shape.

    The models must see the config that would be trained. ``Float`` parameters are only clipped,
    because decoding and encoding them changes nothing.
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
    """Draw uniform configs, shape ``(count, width)``."""
    return snap(space, rng.random((count, space.width)))


def around(
    space: Space, centres: Array, count: int, rng: np.random.Generator, spread: float = 1.0
) -> Array:
    """Draw configs near ``centres``, shape ``(k, width)``, used in turn; shape ``(count, width)``.

    Steps are normal with a scale drawn log-uniformly between 0.001 and 0.3 of the cube's edge,
    times ``spread``, so that small steps refine a point and large ones explore around it.
    """
    scale = spread * 10 ** rng.uniform(-3, np.log10(0.3), (count, 1))
    steps = scale * rng.standard_normal((count, space.width))
    return snap(space, centres[np.arange(count) % len(centres)] + steps)


def exclude_pending(score: Array, x: Array, s: Array, pending: Pending | None) -> Array:
    """Return ``score``, but -inf where a pending trial has that config and fidelity; ``(k,)``.

    Configs ``x`` are ``(k, width)``, fidelities ``s`` are ``(k,)``; configs that differ only by
    rounding count as equal.
    """
    if pending is None:
        return score
    same = (cdist(x, pending.x, "chebyshev") < 1e-9) & (s[:, None] == pending.s)
    return np.where(same.any(axis=1), -np.inf, score)
