"""Average results over families of tasks, and count how many tasks a family is worth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from analysis.data.families import cluster_of, family_of
from analysis.data.load import Array
from analysis.statistics.average_costs import RESAMPLES, SEED, TAIL


def over_families(
    judged: Mapping[str, pd.DataFrame],
    rng: np.random.Generator | None = None,
    resamples: int = RESAMPLES,
) -> pd.DataFrame:
    """Average log K over runs, tasks, clusters and families, in this order, with equal weights.

    The bootstrap resamples seeds within tasks and clusters within families; families are fixed. A
    method and budget is averaged over a family only if all its tasks have it, and over all families
    only if all families do: otherwise methods would be compared on different tasks.

    Args:
        judged: by task, the result of ``analysis.statistics.fixed_budget.at_budgets``.
        rng: random generator of the bootstrap; by default one with a fixed seed.
        resamples: number of bootstrap resamples.

    Returns:
        One row per method, budget and family, and one over all families (family ``all``):
        ``method``, ``budget``, ``family``, ``tasks``, ``clusters``, ``k``, ``k_low``, ``k_high``
        (95 % percentile interval; NaN for one run of one task).
    """
    rng = rng or np.random.default_rng(SEED)
    families: dict[str, dict[str, list[str]]] = {}
    for task in sorted(judged):
        families.setdefault(family_of(task), {}).setdefault(cluster_of(task), []).append(task)
    pairs = pd.concat([rows[["method", "budget"]] for rows in judged.values()]).drop_duplicates()
    records: list[tuple[object, ...]] = []
    for method, budget in sorted(pairs.itertuples(index=False, name=None)):
        means, drawn = [], []
        for family, clusters in sorted(families.items()):
            logs = {
                cluster: [_logs(judged[task], method, budget) for task in tasks]
                for cluster, tasks in clusters.items()
            }
            if any(not len(runs) for tasks in logs.values() for runs in tasks):
                continue
            count = sum(map(len, logs.values()))
            mean = float(np.mean([np.mean([r.mean() for r in tasks]) for tasks in logs.values()]))
            resampled = _resampled(list(logs.values()), rng, resamples)
            means.append(mean)
            drawn.append(resampled)
            records.append((method, budget, family, count, len(logs), *_interval(mean, resampled)))
        if len(means) == len(families):
            both = float(np.mean(means)), np.mean(drawn, axis=0)
            # a cluster may have tasks of several families
            counts = len(judged), len(set(map(cluster_of, judged)))
            records.append((method, budget, "all", *counts, *_interval(*both)))
    names = ["method", "budget", "family", "tasks", "clusters", "k", "k_low", "k_high"]
    return pd.DataFrame(records, columns=names)


def _logs(rows: pd.DataFrame, method: object, budget: object) -> Array:
    chosen = rows[(rows.method == method) & (rows.budget == budget)]
    return np.asarray(np.log(chosen.k.to_numpy(dtype=float)))


def _resampled(clusters: list[list[Array]], rng: np.random.Generator, resamples: int) -> Array:
    """Return the mean log K of a family in each resample, shape ``(resamples,)``."""
    means = np.empty((len(clusters), resamples))
    for row, tasks in enumerate(clusters):
        draws = [
            rng.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=resamples) @ runs
            / len(runs)
            for runs in tasks
        ]  # fmt: skip
        means[row] = np.mean(draws, axis=0)
    n = len(clusters)
    weights = rng.multinomial(n, np.full(n, 1 / n), size=resamples) / n
    return np.asarray(np.einsum("rc,cr->r", weights, means))


def _interval(mean: float, resampled: Array) -> tuple[float, float, float]:
    low, high = np.exp(np.quantile(resampled, [TAIL, 1 - TAIL]))
    if np.ptp(resampled) == 0:
        low = high = np.nan
    return float(np.exp(mean)), float(low), float(high)


def effective_number(losses: Array) -> float:
    """Return how many independent tasks a set of tasks is worth.

    It is the participation ratio of the eigenvalues of the rank correlation of their losses,
    (sum of eigenvalues)^2 / sum of squares: 1 if all tasks order configs alike, their number if
    their orders are unrelated.

    Args:
        losses: losses of the same configs on each task, shape ``(configs, tasks)``.
    """
    tasks = losses.shape[1]
    if tasks == 1:
        return 1.0
    correlation = spearmanr(losses).statistic
    matrix = np.array([[1.0, correlation], [correlation, 1.0]]) if tasks == 2 else correlation
    values = np.linalg.eigvalsh(np.asarray(matrix, dtype=float))
    return float(values.sum() ** 2 / (values**2).sum())
