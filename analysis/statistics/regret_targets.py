"""Targets: when a run's incumbent is at a given regret, and which regrets are worth asking for.

After COCO (Hansen et al., arXiv:1605.03560): runtime is the one measure with a meaning of
its own. Ours is cost in seconds, not a number of evaluations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.data.load import index_reached
from analysis.statistics.step_curves import clock_of

LADDER = (0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""regrets that may be targets, of which those within reach are shown"""
HALF = 0.5
"""under this share of successes a target is out of a method's reach, and only bounds are given"""


def rows_of(table: pd.DataFrame, task: str, rule: str = "recommended") -> pd.DataFrame:
    """The rows of one task in the tidy table.

    Raises:
        ValueError: there are none, or the regret of the rule is not known.
    """
    rows = table[table.task == task] if len(table) else table
    if not len(rows):
        raise ValueError(f"no trials on {task}")
    if rows[f"regret_{rule}"].isna().any():
        raise ValueError(f"the best loss of {task} is not known: no regret, no targets")
    return rows


def unit_of(rows: pd.DataFrame) -> tuple[float, str]:
    """Seconds of one full training of a task, and what to call it; a second where not known."""
    cost = float(rows.target_cost.iloc[0])
    return (cost, "full trainings") if np.isfinite(cost) and cost > 0 else (1.0, "seconds")


def allowed(rows: pd.DataFrame, targets: Sequence[float]) -> list[float]:
    """The targets, largest first, without those below three validation examples."""
    floor = EXAMPLES * float(rows.loss_floor.iloc[0])
    return sorted({float(t) for t in targets if t >= floor * (1 - 1e-9)}, reverse=True)


def ladder(rows: pd.DataFrame, rule: str = "recommended", count: int = 51) -> list[float]:
    """Targets of an ECDF, largest first: evenly spaced in log regret, as in COCO.

    From the median over runs of the regret of their first incumbent, down to three validation
    examples (or to the lowest regret, if that is known exactly).
    """
    column = f"regret_{rule}"
    known = rows[np.isfinite(rows[column])]
    if not len(known):
        return []
    first = float(known.groupby(["method", "seed"])[column].first().median())
    floor = EXAMPLES * float(rows.loss_floor.iloc[0])
    positive = known[column][known[column] > 0]
    last = floor if floor > 0 else float(positive.min()) if len(positive) else first
    return [float(t) for t in np.geomspace(max(first, last), last, count if first > last else 1)]


def reached(
    table: pd.DataFrame,
    task: str,
    targets: Sequence[float],
    clock: str = "cost",
    rule: str = "recommended",
) -> pd.DataFrame:
    """When each run had an incumbent at or below each target for good, that is, to its end.

    Nobody who tunes sees true regret, so an incumbent that touches a target and gets worse again is
    of no use; and methods that change their incumbent often touch more targets by chance. Since a
    run's end is part of this, ``first`` says when it first touched the target: the truth lies
    between both. A run that does not get there is a failure that has spent all it spent, be it
    stopped by its budget or by a number of trials.

    Args:
        table: as ``analysis.data.tidy.tidy`` makes it.
        task: its name.
        targets: regrets (a difference of losses); those below three validation examples are left
            out.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.

    Returns:
        One row a method, seed and target: ``reached``; ``cost`` (seconds) and ``trials`` until
        then, or until the end of the run; ``spent`` (seconds until the end of the run); ``first``
        (seconds until the first touch; NaN without one); of parallel runs, NaN of serial ones,
        ``wall`` (seconds on the run's clock until then) and ``workers``.
    """
    rows = rows_of(table, task, rule)
    found = []
    for (method, seed), run in rows.groupby(["method", "seed"], sort=True):
        regret = run[f"regret_{rule}"].to_numpy(dtype=float)
        parallel = run.workers.iloc[0] > 1
        walls = run.end.to_numpy(dtype=float) if parallel else np.full(len(run), np.nan)
        workers = run.workers.iloc[0] if parallel else np.nan
        times = clock_of(run, clock)
        for target in allowed(rows, targets):
            place = index_reached(regret, target)
            last = len(run) - 1 if place is None else place
            there = regret <= target
            first = times[int(there.argmax())] if there.any() else np.nan
            found.append((
                method, seed, target, place is not None, times[last], last + 1, times[-1], first,
                walls[: last + 1].max(), workers,
            ))  # fmt: skip
    names = [
        "method", "seed", "target", "reached", "cost", "trials", "spent", "first", "wall", "workers"
    ]  # fmt: skip
    return pd.DataFrame(found, columns=names)


def touched(runs: pd.DataFrame) -> pd.DataFrame:
    """What ``reached`` returned, with the first touch of a target in place of staying there."""
    there = runs["first"].notna()
    return runs.assign(reached=there, cost=runs["first"].where(there, runs.spent))


def within_reach(
    table: pd.DataFrame,
    task: str,
    clock: str = "cost",
    rule: str = "recommended",
    every: bool = False,
) -> list[float]:
    """The targets of ``LADDER``, largest first, that half of some method's runs reached; with
    ``every``, of each method's.
    """
    runs = reached(table, task, LADDER, clock, rule)
    if not len(runs):
        return []
    there = runs.groupby(["target", "method"]).reached.mean() >= HALF
    by_target = there.groupby("target")
    enough = by_target.all() if every else by_target.any()
    return sorted((float(t) for t in enough[enough].index), reverse=True)


def shown_targets(
    table: pd.DataFrame, task: str, clock: str = "cost", rule: str = "recommended"
) -> list[float]:
    """The three lowest targets within reach, and of fewer the next below, largest first."""
    near = within_reach(table, task, clock, rule)
    below = [t for t in allowed(rows_of(table, task, rule), LADDER) if not near or t < near[-1]]
    return [*near[-3:], *below[: 1 if len(near) < 3 else 0]]


def ecdf(runs: pd.DataFrame) -> pd.DataFrame:
    """Share of (run, target) pairs reached by a cost, as steps.

    COCO, section "Empirical Distribution Functions".

    Of the runs as they were, without COCO's simulated restarts: a curve need not reach 1.

    Args:
        runs: what ``reached`` returned.

    Returns:
        One row a step: ``method``, ``cost`` (seconds), ``share`` (from this cost on). The last row
        of a method is the end of its longest run.
    """
    found = []
    for method, pairs in runs.groupby("method", sort=True):
        costs, counts = np.unique(pairs.cost[pairs.reached], return_counts=True)
        shares = counts.cumsum() / len(pairs)
        end = float(pairs.spent.max())
        found += [(method, float(c), float(s)) for c, s in zip(costs, shares, strict=True)]
        found.append((method, end, float(shares[-1]) if len(shares) else 0.0))
    return pd.DataFrame(found, columns=["method", "cost", "share"])


EXAMPLES = 6  # targets below three validation examples (loss_floor is half of one) are omitted
