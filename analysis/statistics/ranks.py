"""Ranks of methods: averaged over tasks along the cost (Demsar 2006), and pairwise wins.

Ranks hide how large differences are (Li et al. 2018 note this about their Figure 5), so read them
together with the regret curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.random import Generator
from scipy.stats import f as f_distribution
from scipy.stats import rankdata, studentized_range

from analysis.data.load import Array
from analysis.statistics.average_costs import RESAMPLES, SEED, TAIL
from analysis.statistics.step_curves import on_grid

SHARES = tuple(float(share) for share in np.geomspace(0.01, 1, 61))
"""shares of the budget at which average ranks are computed"""


def regrets_at(
    table: pd.DataFrame,
    shares: Sequence[float] = (1.0,),
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return the regret of each run at shares of the budget of the task.

    The budget of a task is the largest budget of its runs. A run that ended earlier (for example,
    by its limit of trials) keeps its last incumbent. Regret is infinite before the first incumbent.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``. Tasks whose best loss is not known are
            skipped.
        shares: shares of the budget, rising.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: methods to compare; by default all.

    Returns:
        One row per task, seed, method and share: ``task``, ``seed``, ``method``, ``share``,
        ``regret``.
    """
    columns = ["task", "seed", "method", "share", "regret"]
    column, records = f"regret_{rule}", []
    for task, rows in table.groupby("task", sort=True) if len(table) else ():
        if rows[column].isna().any():
            continue
        grid = np.asarray(shares, dtype=float) * float(rows.budget.max())
        for method, runs in rows.groupby("method", sort=True):
            if methods is None or method in methods:
                steps = on_grid(runs, column, grid, clock)
                for seed, values in zip(steps.seeds, steps.values, strict=True):
                    records += [
                        (task, seed, method, share, float(value))
                        for share, value in zip(shares, values, strict=True)
                    ]
    return pd.DataFrame(records, columns=columns)


def average_ranks(
    table: pd.DataFrame,
    shares: Sequence[float] = SHARES,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Compute the average rank of each method along the cost; 1 is best, ties share a mean rank.

    Methods are ranked within each pair of task and seed. Pairs that not all methods have run are
    skipped, because ranks among different sets of methods are not comparable. Ranks are averaged
    over seeds, then over tasks. The bootstrap resamples seeds within each task, so the confidence
    interval holds for these tasks only.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        shares: shares of the budget of each task, rising.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: methods to compare; by default all.
        rng: random generator of the bootstrap; by default one with a fixed seed.
        resamples: number of bootstrap resamples.

    Returns:
        One row per method and share: ``method``, ``share``, ``rank`` (1 to the number of methods),
        ``low`` and ``high`` (95 % confidence interval; NaN if each task has a single seed),
        ``tasks`` and ``pairs`` (numbers of tasks, and of pairs of task and seed, averaged over).
        Empty if there is no pair that all methods have run.
    """
    rng = rng or np.random.default_rng(SEED)
    regrets = regrets_at(table, shares, clock, rule, methods)
    names = sorted(regrets.method.unique())
    means, resampled, pairs = [], [], 0
    for _, rows in regrets.groupby("task", sort=True):
        wide = rows.pivot(index="seed", columns=["method", "share"], values="regret")
        wide = wide.reindex(columns=pd.MultiIndex.from_product([names, shares])).dropna()
        n = len(wide)
        if not n:
            continue
        ranks = rankdata(wide.to_numpy().reshape(n, len(names), len(shares)), axis=1)
        draws = rng.multinomial(n, np.full(n, 1 / n), size=resamples) / n
        means.append(ranks.mean(axis=0))
        resampled.append(np.tensordot(draws, ranks, axes=1))
        pairs += n
    if not means:
        return pd.DataFrame(columns=["method", "share", "rank", "low", "high", "tasks", "pairs"])
    rank = np.mean(means, axis=0)
    low, high = np.quantile(np.mean(resampled, axis=0), [TAIL, 1 - TAIL], axis=0)
    if pairs == len(means):
        low = high = np.full_like(rank, np.nan)
    index = pd.MultiIndex.from_product([names, shares], names=["method", "share"])
    values = {"rank": rank.ravel(), "low": low.ravel(), "high": high.ravel()}
    return pd.DataFrame(values, index=index).reset_index().assign(tasks=len(means), pairs=pairs)


class Friedman(NamedTuple):
    """Result of Friedman's test of whether the ranks of methods differ only by chance."""

    ranks: Array
    """average rank over tasks, shape (methods,)"""
    tasks: int
    """number of tasks"""
    chi2: float
    """Friedman's statistic; NaN if all ranks are tied or there is one task only"""
    f: float
    """statistic of Iman and Davenport, computed from ``chi2``; infinite if all tasks agree"""
    p: float
    """p-value of ``f`` under F(k - 1, (k - 1)(N - 1)) for k methods and N tasks; NaN for one task
    or one method"""


def friedman(ranks: Array, ties: bool = True) -> Friedman:
    """Compute Friedman's test with the correction of Iman and Davenport (Demsar 2006, section 3.2).

    Args:
        ranks: ranks of the methods within each task, shape ``(tasks, methods)``.
        ties: correct for ties, as ``scipy.stats.friedmanchisquare`` does; if False, use Demsar's
            formula as printed. Both agree without ties.
    """
    n, k = ranks.shape
    spread = float((ranks**2).sum()) if ties else n * k * (k + 1) * (2 * k + 1) / 6
    spread -= n * k * (k + 1) ** 2 / 4
    average = ranks.mean(axis=0)
    if spread <= 0 or n < 2:
        return Friedman(average, n, np.nan, np.nan, 1.0 if n > 1 and k > 1 else np.nan)
    chi2 = float((k - 1) * n**2 * ((average - (k + 1) / 2) ** 2).sum() / spread)
    rest = n * (k - 1) - chi2
    f = (n - 1) * chi2 / rest if rest > 1e-9 else np.inf
    return Friedman(average, n, chi2, f, float(f_distribution.sf(f, k - 1, (k - 1) * (n - 1))))


def critical_difference(methods: int, tasks: int, alpha: float = 0.05) -> float:
    """Return the critical difference of average ranks (Nemenyi's test; Demsar 2006, section 3.2).

    Two methods differ significantly if their average ranks differ by more than this.

    Args:
        methods: number of methods.
        tasks: number of tasks.
        alpha: significance level, in (0, 1).
    """
    quantile = studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * tasks)))


def task_ranks(
    table: pd.DataFrame,
    share: float = 1.0,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rank the methods on each task by their median regret over seeds at a share of the budget.

    The arguments are those of ``regrets_at``, for a single share.

    Returns:
        One row per task, one column per method. Tasks that not all methods have run are skipped.
    """
    regrets = regrets_at(table, (share,), clock, rule, methods)
    medians = regrets.groupby(["task", "method"]).regret.median().unstack().dropna()
    return medians.rank(axis=1)


def wins(
    table: pd.DataFrame,
    share: float = 1.0,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Compute how often the regret of one method is below that of another.

    The arguments are those of ``regrets_at``, for a single share.

    Returns:
        One row per ordered pair of methods that have run a common task and seed: ``method``,
        ``rival``, ``wins`` and ``ties`` (shares of these pairs of task and seed, in [0, 1]; a tie
        counts as half a win, also if neither method has an incumbent), ``pairs`` (their number).
    """
    regrets = regrets_at(table, (share,), clock, rule, methods)
    wide = regrets.pivot(index=["task", "seed"], columns="method", values="regret")
    records = []
    for method in wide.columns:
        for rival in wide.columns:
            both = wide[[method, rival]].dropna().to_numpy()
            if method != rival and len(both):
                tied = float((both[:, 0] == both[:, 1]).mean())
                won = float((both[:, 0] < both[:, 1]).mean()) + tied / 2
                records.append((method, rival, won, tied, len(both)))
    return pd.DataFrame(records, columns=["method", "rival", "wins", "ties", "pairs"])
