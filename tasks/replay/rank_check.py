"""Check that a replay ranks held-out configs as they were trained: rank correlations with bars."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from benchmarks.core.arrays import Array

BARS = {"all": 0.95, "best quarter": 0.8}
"""least rank correlation at the target over all held-out configs, and among their best quarter"""
RESAMPLED = 2000
"""number of bootstrap samples"""


@dataclass(frozen=True)
class RankCheck:
    """Spearman's correlation of recorded and replayed losses at the target, in one group."""

    group: str
    """one of ``BARS``"""
    configs: int
    rank: float
    low: float
    """lower end of the interval that holds 95 % of bootstrap samples of the configs"""
    high: float
    """its upper end"""

    @property
    def missed(self) -> bool:
        """True if the correlation is below its bar."""
        return not self.rank >= BARS[self.group]


def rank_checks(recorded: Array, replayed: Array, chance: float = np.inf) -> list[RankCheck]:
    """Return the check over all held-out configs, and among the best quarter as recorded.

    Args:
        recorded: losses at the target, one per config.
        replayed: what a replay that has not seen them returns.
        chance: losses above it count as ties.

    Returns:
        One entry per group of ``BARS``; empty for fewer than four configs.
    """
    if len(recorded) < 4:
        return []
    good = rankdata(recorded) <= max(len(recorded) / 4, 3)
    x, y = np.minimum(recorded, chance), np.minimum(replayed, chance)
    groups = dict(zip(BARS, (np.ones(len(x), dtype=bool), good), strict=True))
    return [_check(name, x[inside], y[inside]) for name, inside in groups.items()]


def _check(name: str, x: Array, y: Array) -> RankCheck:
    rng = np.random.default_rng(0)
    samples = rng.integers(len(x), size=(RESAMPLED, len(x)))
    # in a sample all of whose losses are ties there is no correlation
    ranks = [rank for rows in samples if np.isfinite(rank := spearman(x[rows], y[rows]))]
    low, high = np.quantile(ranks, [0.025, 0.975]) if ranks else (np.nan, np.nan)
    return RankCheck(name, len(x), spearman(x, y), float(low), float(high))


def spearman(x: Array, y: Array) -> float:
    """Return Spearman's correlation; NaN if all values of one side are ties."""
    a, b = rankdata(x), rankdata(y)
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else np.nan
