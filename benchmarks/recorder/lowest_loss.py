"""Search a surrogate of learning curves for its lowest loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.space import Space
from tasks.replay.curve_surrogate import CurveSurrogate

SEARCHED, STARTS, NEAR, STEPS = 5000, 20, 50, 40
"""search for the lowest loss: random configs, the best of them that are starts besides all
recorded configs (and the starts that are left after a few steps), neighbours of each start per
step, steps"""


def inputs_at(
    surrogate: CurveSurrogate, space: Space, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the inputs of a surrogate at points of the unit cube, shape ``(points, features)``."""
    return np.array([surrogate.inputs(space.decode(u)) for u in points])


def lowest_loss(surrogate: CurveSurrogate, space: Space, columns: Mapping[str, Any]) -> float:
    """Search for the lowest noiseless loss at the target.

    The search starts at all recorded configs and the best of random ones, and moves along random
    subsets of the coordinates, in ever smaller steps. After each step it goes on with the better
    half, down to ``STARTS``.
    """

    def losses_at(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return surrogate.predict(inputs_at(surrogate, space, points)).loss[:, -1]

    rng = np.random.default_rng(0)
    recorded = [
        space.encode(space.from_numbers(numbers))
        for numbers in np.unique(columns["config"], axis=0)
    ]
    points = rng.random((SEARCHED, space.width))
    best = np.argsort(losses_at(points), kind="stable")[:STARTS]
    points = np.vstack([recorded, points[best]])
    losses = losses_at(points)
    for step in range(STEPS):
        old = np.repeat(points[:, None], NEAR, axis=1)
        moved = np.clip(old + 0.4 * 0.88**step * rng.standard_normal(old.shape), 0, 1)
        near = np.where(rng.random(old.shape) < 0.5, moved, old)
        reached = losses_at(near.reshape(-1, space.width)).reshape(near.shape[:2])
        lowest = reached.argmin(axis=1)
        lines = np.arange(len(points))
        better = reached[lines, lowest] <= losses
        points = np.where(better[:, None], near[lines, lowest], points)
        losses = np.where(better, reached[lines, lowest], losses)
        kept = np.argsort(losses, kind="stable")[: max(STARTS, len(losses) // 2)]
        points, losses = points[kept], losses[kept]
    return float(losses.min())
