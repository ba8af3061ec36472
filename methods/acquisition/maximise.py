"""Maximise an acquisition function over configs and fidelities: screen, refine, compare."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from benchmarks.core.arrays import Array
from benchmarks.core.space import Space
from benchmarks.core.trial import Fidelities
from methods.acquisition.candidates import around, exclude_pending, uniform
from methods.models.kernels import from_log_size, log_size
from methods.models.training_data import Pending

REFINEMENTS = ((20, 1.0), (10, 0.5), (5, 0.25))
"""per refinement: number of best points to search around, and factor on the step sizes"""


class Acquisition(Protocol):
    """Acquisition function of ``k`` configs ``(k, width)`` and fidelities ``(k,)``."""

    def screen(self, x: Array, s: Array) -> Array:
        """Return a cheap approximation for ranking, shape ``(k,)``."""
        ...

    def value(self, x: Array, s: Array) -> Array:
        """Return the acquisition values, shape ``(k,)``."""
        ...


def clip_fidelities(fidelities: Fidelities, u: Array) -> Array:
    """Return offered fidelities nearest to the log sizes ``u``; ``(k,)`` to ``(k,)``."""
    sizes = from_log_size(np.clip(u, 0, 1), fidelities.low)
    return np.array([fidelities.clip(float(s)) for s in sizes])


def maximise(
    acquisition: Acquisition,
    space: Space,
    fidelities: Fidelities,
    promising: Array,
    candidates: int,
    finalists: int,
    rng: np.random.Generator,
    pending: Pending | None = None,
) -> tuple[Array, float]:
    """Return the best config found, shape ``(width,)``, and its fidelity.

    At first ``candidates`` points are screened: half of them uniform, half at or near the
    ``promising`` configs ``(k, width)``, all at fidelities uniform in log size. Each of three
    refinements then screens as many points around the best so far, with smaller and smaller steps.
    The acquisition value itself is computed for the ``finalists`` best points only. A point that is
    ``pending`` (same config and fidelity) is returned only if there is no other.
    """
    half = candidates // 2
    x = np.concatenate([
        uniform(space, candidates - half, rng),
        promising[rng.integers(len(promising), size=half // 2)],
        around(space, rng.permuted(promising, axis=0), half - half // 2, rng),
    ])  # fmt: skip
    s = clip_fidelities(fidelities, rng.random(len(x)))
    score = exclude_pending(acquisition.screen(x, s), x, s, pending)

    for keep, spread in REFINEMENTS:
        best = np.argsort(-score, kind="stable")[:keep]
        near_x = around(space, x[best], candidates, rng, spread)
        near_u = log_size(s[best], fidelities.low)[np.arange(candidates) % len(best)]
        moved_u = near_u + 0.1 * spread * rng.standard_normal(candidates)
        near_s = clip_fidelities(fidelities, moved_u)
        x, s = np.concatenate([x, near_x]), np.concatenate([s, near_s])
        near = exclude_pending(acquisition.screen(near_x, near_s), near_x, near_s, pending)
        score = np.concatenate([score, near])

    best = np.argsort(-score, kind="stable")[:finalists]
    value = exclude_pending(acquisition.value(x[best], s[best]), x[best], s[best], pending)
    winner = best[int(np.argmax(value))]
    return x[winner], float(s[winner])
