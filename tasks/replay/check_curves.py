"""How far replayed learning curves are from trainings that the surrogate never saw."""

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
"""first and last epoch of what is averaged, of 35; the talk's tasks are 4, 18 and 35"""
GOOD = 0.25
"""share of the held-out configs, the best at the target, whose order matters most"""


@dataclass(frozen=True)
class Errors:
    """Of held-out curves without noise against recorded ones, over the epochs ``first .. last``."""

    first: int
    last: int
    curves: int
    r2: float
    """of the loss: share of its variance that is predicted"""
    rank: float
    """Spearman's correlation of losses, meaned over epochs"""
    good_rank: float
    """the same among the best quarter"""
    loss_median: float
    """of |log loss error|, in nats"""
    good_loss_median: float
    cost_median: float
    """of |log cost error|"""
    cost_r2: float
    """of log cost"""


def chance_of(sizes: Mapping[str, int]) -> float:
    """The least loss that may be chance alone (three standard deviations below guessing one of the
    ``classes``, on the ``validation photos``); infinity if the sizes do not tell.
    """
    classes, validation = sizes.get("classes"), sizes.get("validation photos")
    if not classes or not validation:
        return np.inf
    return 1 - 1 / classes - 3 * float(np.sqrt((1 - 1 / classes) / classes / validation))


def held_out_errors(
    surrogate: CurveSurrogate, space: Space, columns: Mapping[str, Any], chance: float = np.inf
) -> list[Errors]:
    """Errors for each of ``RANGES`` (scaled to the curves' length); empty if nothing is held out.

    Args:
        surrogate: fitted to the rest.
        space: of the configs.
        columns: of ``tasks.replay.curves.CURVES``.
        chance: losses above are one tie in ranks: that of a network that has learnt nothing.
    """
    epochs = columns["loss"].shape[1]
    rows = np.flatnonzero(columns["held_out"] & (columns["epochs"] == epochs))
    if len(rows) < 4:
        return []
    configs = [space.from_numbers(numbers) for numbers in columns["config"][rows]]
    seen = surrogate.predict(np.array([surrogate.inputs(config) for config in configs]))
    loss, cost = columns["loss"][rows], columns["cost"][rows][:, :epochs]
    good = rankdata(loss[:, -1]) <= max(GOOD * len(rows), 3)
    found = []
    for first, last in RANGES:
        stop = max(1, round(last * epochs / RANGES[-1][1]))
        start = min(round((first - 1) * epochs / RANGES[-1][1]), stop - 1)
        span = slice(start, stop)
        real, replayed = loss[:, span], seen.loss[:, span]
        off = abs(np.log(replayed) - np.log(np.maximum(real, 1e-12)))
        log_cost = np.log(cost[:, span])
        cost_off = np.log(seen.cost[:, span]) - log_cost
        found.append(
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
    return found


def _r2(off: Array, real: Array) -> float:
    """One minus the mean square over the variance, meaned over epochs in which there is any."""
    varies = real.var(axis=0) > 0
    ratios = (off**2).mean(axis=0)[varies] / real.var(axis=0)[varies]
    return float(np.mean(1 - ratios)) if varies.any() else np.nan


def _rank(replayed: Array, real: Array) -> float:
    """Spearman's correlation, epoch by epoch, of those in which not all are ties."""
    found = []
    for a, b in zip(replayed.T, real.T, strict=True):
        x, y = rankdata(a), rankdata(b)
        if x.std() and y.std():
            found.append(float(np.corrcoef(x, y)[0, 1]))
    return float(np.mean(found)) if found else np.nan
