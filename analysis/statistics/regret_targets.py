"""Regret targets: when a run reaches a given regret, and which regrets to use as targets.

Follows COCO (Hansen et al., arXiv:1605.03560), which measures performance by runtime because it
can be interpreted without reference to other methods. Runtime here is cost in seconds instead of
a number of evaluations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.data.load import index_reached
from analysis.statistics.step_curves import clock_of, within_budget

LADDER = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""candidate targets (regrets) of most tasks; reports show those within reach"""
STEPS = (1.0, 2.0, 5.0)
"""targets of a task of another scale are these times powers of ten, as in ``LADDER``"""
ACCOUNTS = ("found", "delivered")
"""accounts of the cost to a target: until the recommendation is good, and with the target training
that the recommended config still lacks then"""
HALF = 0.5
"""share of successful runs from which a target is within reach of a method; only a bound of its
average cost is reported below it"""


def rows_of(table: pd.DataFrame, task: str, rule: str = "recommended") -> pd.DataFrame:
    """Return the rows of one task in the tidy table.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        rule: one of ``analysis.data.tidy.RULES``.

    Raises:
        ValueError: if there are no rows, or if the regret by this rule is not known.
    """
    rows = table[table.task == task] if len(table) else table
    if not len(rows):
        raise ValueError(f"no trials on {task}")
    if rows[f"regret_{rule}"].isna().any():
        raise ValueError(f"the best loss of {task} is not known, so there are no regret targets")
    return rows


def unit_of(rows: pd.DataFrame) -> tuple[float, str]:
    """Return the unit of cost in seconds and its name.

    It is a training of a good config; where its cost is not known, a full training; where that is
    not known either, a second.

    Args:
        rows: rows of the tidy table of one task.
    """
    for column, name in (("good_cost", "trainings"), ("target_cost", "full trainings")):
        cost = float(rows[column].iloc[0]) if column in rows else np.nan
        if np.isfinite(cost) and cost > 0:
            return cost, name
    return 1.0, "seconds"


def lowest_target(rows: pd.DataFrame) -> float:
    """Return the lowest regret of a target: three validation examples, or the replay's error.

    Args:
        rows: rows of the tidy table of one task.
    """
    resolution = float(rows.resolution.iloc[0]) if "resolution" in rows else 0.0
    return max(EXAMPLES * float(rows.loss_floor.iloc[0]), float(np.nan_to_num(resolution)))


def allowed(rows: pd.DataFrame, targets: Sequence[float]) -> list[float]:
    """Return the targets that are not below ``lowest_target``, largest first.

    Args:
        rows: rows of the tidy table of one task.
        targets: regrets.
    """
    floor = lowest_target(rows)
    return sorted({float(t) for t in targets if t >= floor * (1 - 1e-9)}, reverse=True)


def candidates(rows: pd.DataFrame, rule: str = "recommended") -> list[float]:
    """Return the candidate targets of a task, largest first: ``LADDER``, or others of its scale.

    See ``of_scale``.

    Args:
        rows: rows of the tidy table of one task.
        rule: one of ``analysis.data.tidy.RULES``.
    """
    column = f"regret_{rule}"
    runs = rows.groupby(["method", "seed"])[column]
    first = rows[np.isfinite(rows[column])].groupby(["method", "seed"])[column].first()
    final = runs.last().groupby("method").quantile(HALF, interpolation="lower")
    lowest = lowest_target(rows)
    return of_scale(LADDER, float(final.min()), float(first.median()), lowest)


def of_scale(usual: Sequence[float], final: float, first: float, lowest: float) -> list[float]:
    """Return the usual targets if one of them says something about a task, else other ones.

    A target says something if half of the runs of some method reach it in the end, and not with
    their first incumbent. If no usual one does, the targets are the lowest 1, 2 or 5 times a power
    of ten that do, as many as there are usual ones. If none does, they are the usual ones.

    Args:
        usual: the usual targets.
        final: the lowest median of the final regrets of a method.
        first: the median regret of the first incumbents of all runs; NaN if there are none.
        lowest: no target is lower than this.
    """
    usual = [target for target in usual if target >= lowest * (1 - 1e-9)]
    low = max(final, lowest)
    says = [target for target in usual if low * (1 - 1e-9) <= target < first]
    if says or not low < first < np.inf:
        return sorted(usual, reverse=True)
    low = max(low, first / 1000)  # above 0
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(first))) + 1)
    steps = [float(f"{step:g}e{power}") for power in powers for step in STEPS]
    others = [step for step in steps if low * (1 - 1e-9) <= step < first]
    return sorted(others[: len(usual) or len(LADDER)] or usual, reverse=True)


def ladder(rows: pd.DataFrame, rule: str = "recommended", count: int = 51) -> list[float]:
    """Return the targets of an ECDF, evenly spaced in log regret, largest first, as in COCO.

    They range from the median over runs of the regret of the first incumbent down to
    ``lowest_target`` (or to the lowest positive regret, where the loss is known exactly).

    Args:
        rows: rows of the tidy table of one task.
        rule: one of ``analysis.data.tidy.RULES``.
        count: number of targets.
    """
    column = f"regret_{rule}"
    finite = rows[np.isfinite(rows[column])]
    if not len(finite):
        return []
    first = float(finite.groupby(["method", "seed"])[column].first().median())
    floor = lowest_target(rows)
    positive = finite[column][finite[column] > 0]
    last = floor if floor > 0 else float(positive.min()) if len(positive) else first
    return [float(t) for t in np.geomspace(max(first, last), last, count if first > last else 1)]


def reached(
    table: pd.DataFrame,
    task: str,
    targets: Sequence[float],
    clock: str = "cost",
    rule: str = "recommended",
    account: str = "found",
) -> pd.DataFrame:
    """Find when each run reached each target for good, that is, kept it to the end of the run.

    A first hit that does not last is not counted: users cannot observe the true regret, so they
    would not stop there, and methods that change their incumbent often hit more targets by chance.
    A run that does not reach the target is a failure with
    its whole cost, whether its budget or a number of trials stopped it.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        targets: regrets (differences of losses); those below ``lowest_target`` are skipped.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        account: one of ``ACCOUNTS``. ``delivered`` adds the target training that the config
            recommended when the target is reached still lacks (with several workers, to the
            wall-clock as well); it may end after the run.

    Returns:
        One row per method, seed and target. ``reached``: True if the target was reached for good.
        ``cost`` (seconds on ``clock``) and ``trials``: until then, or until the end of the run.
        ``spent``: seconds until the end of the run. ``wall`` (seconds on the clock of the run,
        until then) and ``workers``: NaN for serial runs.

    Raises:
        ValueError: if the task has no rows, or if the regret by this rule or, for ``delivered``,
            the cost of a target training is not known.
    """
    rows = rows_of(table, task, rule)
    missing = deliveries_of(rows, rule) if account == "delivered" else pd.Series(0.0, rows.index)
    records = []
    # a trial that ends past the budget counts here as little as in the results at the end
    for (method, seed), run in within_budget(rows).groupby(["method", "seed"], sort=True):
        regret = run[f"regret_{rule}"].to_numpy(dtype=float)
        parallel = run.workers.iloc[0] > 1
        walls = run.end.to_numpy(dtype=float) if parallel else np.full(len(run), np.nan)
        workers = run.workers.iloc[0] if parallel else np.nan
        times = clock_of(run, clock)
        training = missing[run.index].to_numpy(dtype=float)
        for target in allowed(rows, targets):
            index = index_reached(regret, target)
            last = len(run) - 1 if index is None else index
            extra = 0.0 if index is None else training[index]
            records.append((
                method, seed, target, index is not None, times[last] + extra, last + 1, times[-1],
                walls[: last + 1].max() + extra, workers,
            ))  # fmt: skip
    names = [
        "method", "seed", "target", "reached", "cost", "trials", "spent", "wall", "workers"
    ]  # fmt: skip
    return pd.DataFrame(records, columns=names)


def deliveries_of(rows: pd.DataFrame, rule: str = "recommended") -> pd.Series:
    """Return the cost of the target training that each incumbent still lacks, seconds.

    Args:
        rows: rows of the tidy table of one task.
        rule: one of ``analysis.data.tidy.RULES``; ``best_at_target`` lacks none.

    Raises:
        ValueError: if it is not known.
    """
    if rule == "best_at_target":
        return pd.Series(0.0, rows.index)
    task = rows.task.iloc[0]
    if rule != "recommended" or "delivery" not in rows:
        raise ValueError(f"what delivering an incumbent of {task} costs is not known")
    unknown = rows.delivery.isna() & np.isfinite(rows[f"regret_{rule}"])
    if unknown.any():
        raise ValueError(f"what a target training on {task} costs is not known")
    return rows.delivery.fillna(0.0)


def account_of(rows: pd.DataFrame, rule: str = "recommended") -> str:
    """Return the account that headlines use: ``delivered``, or ``found`` where that is not known.

    Args:
        rows: rows of the tidy table of one task.
        rule: one of ``analysis.data.tidy.RULES``.
    """
    try:
        deliveries_of(rows, rule)
    except ValueError:
        return "found"
    return "delivered"


def within_reach(
    table: pd.DataFrame,
    task: str,
    clock: str = "cost",
    rule: str = "recommended",
    every: bool = False,
) -> list[float]:
    """Return the candidate targets that half of the runs of a method reached, largest first.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        every: require half of the runs of every method instead of some method.

    Raises:
        ValueError: if the task has no rows, or if the regret by this rule is not known.
    """
    runs = reached(table, task, candidates(rows_of(table, task, rule), rule), clock, rule)
    if not len(runs):
        return []
    there = runs.groupby(["target", "method"]).reached.mean() >= HALF
    by_target = there.groupby("target")
    enough = by_target.all() if every else by_target.any()
    return sorted((float(t) for t in enough[enough].index), reverse=True)


def shown_targets(
    table: pd.DataFrame, task: str, clock: str = "cost", rule: str = "recommended"
) -> list[float]:
    """Return the targets that a figure shows, largest first.

    These are the three lowest targets within reach; if there are fewer, the next lower target is
    added. Arguments and errors are those of ``within_reach``.
    """
    near = within_reach(table, task, clock, rule)
    rows = rows_of(table, task, rule)
    below = [t for t in allowed(rows, candidates(rows, rule)) if not near or t < near[-1]]
    return [*near[-3:], *below[: 1 if len(near) < 3 else 0]]


def ecdf(runs: pd.DataFrame) -> pd.DataFrame:
    """Compute the ECDF of each method: the share of (run, target) pairs reached by each cost.

    Follows COCO, section "Empirical Distribution Functions", but without simulated restarts, so
    that a curve need not reach 1.

    Args:
        runs: result of ``reached``.

    Returns:
        One row per step: ``method``, ``cost`` (seconds), ``share`` (in [0, 1], from this cost on).
        The last row of a method marks the end of its longest run.
    """
    steps = []
    for method, pairs in runs.groupby("method", sort=True):
        costs, counts = np.unique(pairs.cost[pairs.reached], return_counts=True)
        shares = counts.cumsum() / len(pairs)
        end = float(pairs.spent.max())
        steps += [(method, float(c), float(s)) for c, s in zip(costs, shares, strict=True)]
        steps.append((method, end, float(shares[-1]) if len(shares) else 0.0))
    return pd.DataFrame(steps, columns=["method", "cost", "share"])


EXAMPLES = 6  # lowest target in units of loss_floor (half a validation example): three examples
