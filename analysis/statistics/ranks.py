"""Ranks of methods: over cost, over tasks (Demsar 2006), and in pairs.

Ranks hide magnitude (Li et al. 2018 say so of their own Figure 5): read them with regret curves.
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


def regrets_at(
    table: pd.DataFrame,
    shares: Sequence[float] = (1.0,),
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Regret of every run at shares of the task's budget.

    The budget of a task is the largest of its runs'. A run that ended before (stopped by trials,
    say) keeps its last incumbent; before the first incumbent, regret is infinite.

    Args:
        table: as ``analysis.data.tidy.tidy`` makes it. Tasks whose best loss is not
            known are left out.
        shares: rising, of the budget.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: those to compare; by default all.

    Returns:
        One row a task, seed, method and share, with its ``regret``.
    """
    columns = ["task", "seed", "method", "share", "regret"]
    column, found = f"regret_{rule}", []
    for task, rows in table.groupby("task", sort=True) if len(table) else ():
        if rows[column].isna().any():
            continue
        grid = np.asarray(shares, dtype=float) * float(rows.budget.max())
        for method, runs in rows.groupby("method", sort=True):
            if methods is None or method in methods:
                steps = on_grid(runs, column, grid, clock)
                for seed, values in zip(steps.seeds, steps.values, strict=True):
                    found += [
                        (task, seed, method, share, float(value))
                        for share, value in zip(shares, values, strict=True)
                    ]
    return pd.DataFrame(found, columns=columns)


def average_ranks(
    table: pd.DataFrame,
    shares: Sequence[float] = SHARES,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Average rank of each method over cost; 1 is best, ties share the mean of their ranks.

    Ranks are within a task and a seed, and only of the pairs that all methods have run: ranks among
    different rivals do not compare. They are averaged over seeds, then over tasks. Seeds are
    resampled within each task: the interval is for these tasks and says nothing of others.

    Args:
        table: the tidy table.
        shares: rising, of each task's budget.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: those to compare; by default all.
        rng: of the bootstrap.
        resamples: their number.

    Returns:
        One row a method and share: ``rank``, ``low``, ``high`` (95 %; NaN where each task has one
        seed), ``tasks`` and ``pairs`` (of task and seed) that it rests on. Empty if no pair was run
        by all methods.
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
    """Whether the methods' ranks differ more than by chance, over tasks."""

    ranks: Array
    """(methods,) average over tasks"""
    tasks: int
    chi2: float
    """Friedman's statistic, NaN if all ranks are tied"""
    f: float
    """Iman and Davenport's correction of it, infinite if all tasks agree"""
    p: float
    """of ``f`` under F(k - 1, (k - 1)(N - 1)); NaN for one task or one method"""


def friedman(ranks: Array, ties: bool = True) -> Friedman:
    """Friedman's test with Iman and Davenport's correction (Demsar 2006, section 3.2).

    Args:
        ranks: of methods within tasks, shape ``(tasks, methods)``.
        ties: corrected for ties, as in ``scipy.stats.friedmanchisquare``; without, Demsar's formula
            to the letter. The same where there are none.
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
    """Difference of average ranks beyond which two methods differ (Nemenyi; Demsar 2006, 3.2)."""
    quantile = studentized_range.ppf(1 - alpha, methods, np.inf) / np.sqrt(2)
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * tasks)))


def task_ranks(
    table: pd.DataFrame,
    share: float = 1.0,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Rank of each method's median regret over seeds, at a share of the budget.

    Returns:
        One row a task, one column a method; only tasks that all methods have run.
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
    """How often one method's regret is below another's, at a share of the budget.

    Returns:
        One row an ordered pair: ``method``, ``rival``, ``wins`` (share of the tasks and seeds that
        both have run; a tie, be it that neither has an incumbent, is half a win), ``ties`` (share),
        ``pairs`` (of task and seed). No row where there are none.
    """
    regrets = regrets_at(table, (share,), clock, rule, methods)
    wide = regrets.pivot(index=["task", "seed"], columns="method", values="regret")
    found = []
    for method in wide.columns:
        for rival in wide.columns:
            both = wide[[method, rival]].dropna().to_numpy()
            if method != rival and len(both):
                tied = float((both[:, 0] == both[:, 1]).mean())
                won = float((both[:, 0] < both[:, 1]).mean()) + tied / 2
                found.append((method, rival, won, tied, len(both)))
    return pd.DataFrame(found, columns=["method", "rival", "wins", "ties", "pairs"])
