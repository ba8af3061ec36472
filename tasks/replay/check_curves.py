"""Errors of replayed learning curves on held-out configs, which no surrogate was fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from benchmarks.core.arrays import Array
from benchmarks.core.space import Space
from tasks.replay.curve_surrogate import CurveSurrogate

RANGES = ((1, 4), (5, 18), (19, 34), (35, 35))
"""first and last epoch of each range, for curves of 35 epochs; the talk's tasks have 4, 18, 35"""
GOOD = 0.25
"""share of the held-out configs that count as good: those with the lowest loss at the target"""


@dataclass(frozen=True)
class Errors:
    """Errors of noiseless replayed curves on held-out configs, in epochs ``first .. last``."""

    first: int
    last: int
    curves: int
    """number of held-out curves"""
    r2: float
    """coefficient of determination of the loss, averaged over epochs"""
    rank: float
    """Spearman correlation of recorded and replayed losses, averaged over epochs"""
    good_rank: float
    """``rank`` among good configs, see ``GOOD``"""
    loss_median: float
    """median of the absolute error of log loss, in nats"""
    good_loss_median: float
    """``loss_median`` among good configs"""
    cost_median: float
    """median of the absolute error of log cost, in nats"""
    cost_r2: float
    """coefficient of determination of log cost, averaged over epochs"""


def chance_of(sizes: Mapping[str, int]) -> float:
    """Return the error rate above which a network may be guessing.

    It is three standard deviations below the error rate of guessing one of the ``classes``, on the
    ``validation photos``; infinity if ``sizes`` lacks either number.
    """
    classes, validation = sizes.get("classes"), sizes.get("validation photos")
    if not classes or not validation:
        return np.inf
    return 1 - 1 / classes - 3 * float(np.sqrt((1 - 1 / classes) / classes / validation))


def held_out_errors(
    surrogate: CurveSurrogate, space: Space, columns: Mapping[str, Any], chance: float = np.inf
) -> list[Errors]:
    """Return the errors in each of ``RANGES``, scaled to the length of the curves.

    Args:
        surrogate: fitted to curves that are not held out.
        space: search space.
        columns: columns of ``tasks.replay.curves.CURVES``.
        chance: losses above this value count as ties in ranks, since the networks have learnt
            nothing; see ``chance_of``.

    Returns:
        One entry per range; empty if fewer than four whole curves are held out.
    """
    epochs = columns["loss"].shape[1]
    rows = np.flatnonzero(columns["held_out"] & (columns["epochs"] == epochs))
    if len(rows) < 4:
        return []
    configs = [space.from_numbers(numbers) for numbers in columns["config"][rows]]
    curves = surrogate.predict(np.array([surrogate.inputs(config) for config in configs]))
    loss, cost = columns["loss"][rows], columns["cost"][rows][:, :epochs]
    good = rankdata(loss[:, -1]) <= max(GOOD * len(rows), 3)
    results = []
    for first, last in RANGES:
        stop = max(1, round(last * epochs / RANGES[-1][1]))
        start = min(round((first - 1) * epochs / RANGES[-1][1]), stop - 1)
        span = slice(start, stop)
        real, replayed = loss[:, span], curves.loss[:, span]
        off = abs(np.log(replayed) - np.log(np.maximum(real, 1e-12)))
        log_cost = np.log(cost[:, span])
        cost_off = np.log(curves.cost[:, span]) - log_cost
        results.append(
            Errors(
                span.start + 1,
                span.stop,
                len(rows),
                _r2(replayed - real, real),
                _rank(np.minimum(replayed, chance), np.minimum(real, chance)),
                _rank(np.minimum(replayed, chance)[good], np.minimum(real, chance)[good]),
                float(np.median(off)),
                float(np.median(off[good])),
                float(np.median(abs(cost_off))),
                _r2(cost_off, log_cost),
            )
        )
    return results


def _r2(off: Array, real: Array) -> float:
    """Return R2 of errors ``off``, averaged over the epochs in which ``real`` varies."""
    varies = real.var(axis=0) > 0
    ratios = (off**2).mean(axis=0)[varies] / real.var(axis=0)[varies]
    return float(np.mean(1 - ratios)) if varies.any() else np.nan


def _rank(replayed: Array, real: Array) -> float:
    """Return Spearman's correlation, averaged over the epochs in which not all values are ties."""
    correlations = []
    for a, b in zip(replayed.T, real.T, strict=True):
        x, y = rankdata(a), rankdata(b)
        if x.std() and y.std():
            correlations.append(float(np.corrcoef(x, y)[0, 1]))
    return float(np.mean(correlations)) if correlations else np.nan
