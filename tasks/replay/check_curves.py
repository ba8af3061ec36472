"""Errors of replayed learning curves on held-out configs, which no surrogate was fitted to."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from benchmarks.core.arrays import Array
from benchmarks.core.space import Space
from tasks.replay.curve_surrogate import CurveSurrogate

ENDS = (4 / 35, 18 / 35)
"""shares of a training at which the first two ranges of a check end: the talk's tasks have 4, 18
and 35 epochs; the third range ends before the target, which is a range of its own"""
GOOD = 0.25
"""share of the held-out configs that count as good: those with the lowest loss at the target"""


@dataclass(frozen=True)
class Errors:
    """Errors of noiseless replayed curves on held-out configs, in entries ``first .. last``.

    An entry of a curve is what was measured after one epoch, or after another unit of the task.
    """

    first: int
    last: int
    curves: int
    """number of held-out curves"""
    r2: float
    """coefficient of determination of the loss, averaged over entries"""
    rank: float
    """Spearman correlation of recorded and replayed losses, averaged over entries"""
    good_rank: float
    """``rank`` among good configs, see ``GOOD``"""
    loss_median: float
    """median of the absolute error of log loss, in nats"""
    good_loss_median: float
    """``loss_median`` among good configs"""
    cost_median: float
    """median of the absolute error of log cost, in nats"""
    cost_r2: float
    """coefficient of determination of log cost, averaged over entries"""


def chance_of(sizes: Mapping[str, int]) -> float:
    """Return the error rate above which a network may be guessing.

    It is three standard deviations below the error rate of guessing one of the ``classes``, on the
    validation examples (the first entry ``validation ...``, such as ``validation photos``);
    infinity if ``sizes`` lacks either number, as it does where the loss is no error rate.
    """
    classes = sizes.get("classes")
    validation = next((n for name, n in sizes.items() if name.startswith("validation ")), None)
    if not classes or not validation:
        return np.inf
    return 1 - 1 / classes - 3 * float(np.sqrt((1 - 1 / classes) / classes / validation))


def ranges_of(length: int) -> list[tuple[int, int]]:
    """Return first and last entry of each range of curves of some length: see ``ENDS``.

    The last range is the target alone; a short curve has fewer ranges.
    """
    stops = [*(round(share * length) for share in ENDS), length - 1]
    starts = [0, *itertools.accumulate(stops, max)][:-1]
    return [(a + 1, b) for a, b in zip(starts, stops, strict=True) if a < b] + [(length, length)]


def held_out_errors(
    surrogate: CurveSurrogate, space: Space, columns: Mapping[str, Any], chance: float = np.inf
) -> list[Errors]:
    """Return the errors in each of ``ranges_of`` the length of the curves.

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
    for first, last in ranges_of(epochs):
        span = slice(first - 1, last)
        real, replayed = loss[:, span], curves.loss[:, span]
        off = abs(np.log(replayed) - np.log(np.maximum(real, 1e-12)))
        log_cost = np.log(cost[:, span])
        cost_off = np.log(curves.cost[:, span]) - log_cost
        results.append(
            Errors(
                first,
                last,
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
    """Return R2 of errors ``off``, averaged over the entries in which ``real`` varies."""
    varies = real.var(axis=0) > 0
    ratios = (off**2).mean(axis=0)[varies] / real.var(axis=0)[varies]
    return float(np.mean(1 - ratios)) if varies.any() else np.nan


def _rank(replayed: Array, real: Array) -> float:
    """Return Spearman's correlation, averaged over the entries in which not all values are ties."""
    correlations = []
    for a, b in zip(replayed.T, real.T, strict=True):
        x, y = rankdata(a), rankdata(b)
        if x.std() and y.std():
            correlations.append(float(np.corrcoef(x, y)[0, 1]))
    return float(np.mean(correlations)) if correlations else np.nan
