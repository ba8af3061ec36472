"""Step curves of runs on a common grid: what was so at a given cost."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.data.load import Array

CLOCKS = {
    "cost": ("total_cost",),
    "cost + overhead": ("total_cost", "total_overhead"),
    "wall-clock": ("end",),
}
"""what is added up on a time axis, seconds: evaluations alone, or the method's thinking, too; or
what the run's own clock says"""

BRIEF = 0.1
"""seconds of a full training below which it is shorter than a suggestion: such a task (Statlog
Vehicle) is read on the clock of cost alone, and says nothing of how much faster a method is"""


class Steps(NamedTuple):
    """Of the runs of one method on one task."""

    seeds: tuple[int, ...]
    values: Array
    """(runs, grid): of the last trial ended by then; infinite before the first. A run that has
    ended keeps its last value"""
    alive: Array
    """(grid,) number of runs that have not ended before"""


def clock_of(rows: pd.DataFrame, clock: str) -> Array:
    """Reading after each trial, seconds; ``clock`` is one of ``CLOCKS``."""
    return np.asarray(rows[list(CLOCKS[clock])].sum(axis=1), dtype=float)


def on_grid(rows: pd.DataFrame, column: str, grid: Array, clock: str = "cost") -> Steps:
    """Read a column of the tidy table off at readings of a clock.

    Args:
        rows: of one method on one task, all its seeds.
        column: e.g. ``regret_recommended``.
        grid: rising readings, seconds.
        clock: one of ``CLOCKS``.
    """
    seeds, values, ends = [], [], []
    for seed, run in rows.groupby("seed", sort=True):
        times = clock_of(run, clock)
        last = np.searchsorted(times, grid * (1 + 1e-12), side="right") - 1
        found = run[column].to_numpy(dtype=float)[np.maximum(last, 0)]
        seeds.append(int(seed))
        values.append(np.where(last >= 0, found, np.inf))
        ends.append(times[-1])
    alive = (np.array(ends)[:, None] >= grid).sum(axis=0)
    return Steps(tuple(seeds), np.array(values), alive.astype(float))


def within_budget(rows: pd.DataFrame) -> pd.DataFrame:
    """The trials that ended within their run's budget, and a run's first one in any case.

    What crossed the budget is left out, or methods that buy whole trainings would get up to one
    more than others.
    """
    over = rows["total_cost"] > rows["budget"] * (1 + 1e-9)
    first = rows.groupby(["task", "method", "seed"]).cumcount() == 0
    return rows[~over | first]


def is_brief(rows: pd.DataFrame) -> bool:
    """True for the rows of a task whose full training takes less than ``BRIEF``."""
    return bool(rows["target_cost"].max() < BRIEF)
