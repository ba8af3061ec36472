"""Compare the ranks of methods under two surrogates that interpolate the same recorded table."""

from __future__ import annotations

import pandas as pd

from analysis.page.tables import Table
from analysis.statistics.ranks import average_ranks, regrets_at


def variants(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return, by task, its variants: tasks that replay the same table by another surrogate.

    Among the tasks that replay a table, the one with the shortest name is the original and the
    others are its variants: ``cars_head_boosting`` is a variant of ``cars_head``.
    """
    replays = table[["task", "replays", "surrogate"]].drop_duplicates()
    replays = replays[replays.surrogate != "none"]
    variants_of = {}
    for _, group in replays.groupby("replays"):
        original, *others = sorted(set(group.task), key=lambda name: (len(name), name))
        if others:
            variants_of[original] = others
    return variants_of


def without_variants(table: pd.DataFrame) -> pd.DataFrame:
    """Return the tidy table without variants, so that an average counts each table once."""
    names = [name for others in variants(table).values() for name in others]
    return table[~table.task.isin(names)].reset_index(drop=True)


def rank_changes(table: pd.DataFrame, task: str, other: str) -> Table:
    """Tabulate the average rank of each method under two surrogates, at the end of the budget.

    Columns: ``method``; for both tasks ``rank, <task>`` (with its 95 % confidence interval) and
    ``regret, <task>`` (median over seeds); ``place`` (position by rank under both surrogates).

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        other: name of its variant.

    Raises:
        ValueError: if fewer than two methods have run on both tasks, or if a task has no seed that
            all of these methods have run, or if its best loss is not known.
    """
    both = set(table[table.task == task].method) & set(table[table.task == other].method)
    if len(both) < 2:
        raise ValueError(f"fewer than two methods ran on both {task} and {other}")
    columns, positions, intervals = {}, {}, {}
    for name in (task, other):
        rows = table[(table.task == name) & table.method.isin(both)]
        ranks = average_ranks(rows, (1.0,)).set_index("method")
        if not len(ranks):
            raise ValueError(f"no seed of {name} that all methods ran, or its best loss is unknown")
        regret = regrets_at(rows).groupby("method").regret.median()
        positions[name] = ranks["rank"].rank(method="min").astype(int)
        intervals[name] = ranks
        columns[f"rank, {name}"] = [_interval(row) for row in ranks.itertuples()]
        columns[f"regret, {name}"] = [f"{regret[method]:.3g}" for method in ranks.index]
    first, second = positions[task], positions[other]
    columns["place"] = [
        f"{first[m]}" if first[m] == second[m] else f"{first[m]} → {second[m]}" for m in first.index
    ]
    data = pd.DataFrame(columns, index=first.index).loc[first.sort_values(kind="stable").index]
    surrogate = table.groupby("task").surrogate.first()
    return Table(
        data.reset_index(),
        f"Average rank of the recommended config's regret (1 is best) among {len(both)} methods at "
        f"the end of the budget, with 95 % bootstrap intervals over seeds, when the same recorded "
        f"curves are replayed by {surrogate[task]} ({task}) and by {surrogate[other]} ({other}). "
        + _verdict(first, second, intervals[task], intervals[other]),
    )


def _verdict(first: pd.Series, second: pd.Series, left: pd.DataFrame, right: pd.DataFrame) -> str:
    moved = [str(m) for m in first.index if first[m] != second[m]]
    if not moved:
        return "The order of the methods is the same."
    apart = [
        f"{a} and {b}"
        for index, a in enumerate(first.index)
        for b in first.index[index + 1 :]
        if _apart(left.loc[a], left.loc[b]) * _apart(right.loc[a], right.loc[b]) < 0
    ]
    return f"The places of {', '.join(moved)} change. " + (
        f"Though their intervals do not overlap, {', '.join(apart)} swap places."
        if apart
        else "No two methods swap places whose intervals are apart under both surrogates."
    )


def _apart(a: pd.Series, b: pd.Series) -> int:
    """Return 0 if the intervals of two ranks overlap, -1 if ``a`` is the better one, else 1."""
    return int(a.low > b.high) - int(a.high < b.low)


def _interval(row: object) -> str:
    rank, low, high = (float(getattr(row, name)) for name in ("rank", "low", "high"))
    return f"{rank:.1f}" if low != low else f"{rank:.1f} ({low:.1f} to {high:.1f})"
