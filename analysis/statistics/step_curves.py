"""Evaluate the step curves of several runs on a common grid of times."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.data.load import Array

CLOCKS = {
    "cost": ("total_cost",),
    "cost + overhead": ("total_cost", "total_overhead"),
    "wall-clock": ("end",),
    "machine-hours": ("end",),
}
"""columns of the tidy table, in seconds, whose sum is the time axis: evaluation cost, evaluation
cost plus the overhead of the method, the clock of the run, or that clock times the number of
workers, idle ones included"""

BRIEF = 0.1
"""duration of a full training, in seconds, below which a suggestion takes longer. Such a task
(Statlog Vehicle) is only shown on the clock ``cost``, and no speed-up is reported for it"""


class Steps(NamedTuple):
    """The runs of one method on one task, evaluated on a grid."""

    seeds: tuple[int, ...]
    """seeds of the runs, rising"""
    values: Array
    """shape (runs, grid): value after the last trial that ended by then; infinite before the first
    trial ends. A run that has ended keeps its last value"""
    alive: Array
    """shape (grid,): number of runs that have not ended before"""


def clock_of(rows: pd.DataFrame, clock: str) -> Array:
    """Return the time after each trial in seconds, shape ``(trials,)``.

    Args:
        rows: rows of the tidy table.
        clock: one of ``CLOCKS``.
    """
    workers = rows["workers"] if clock == "machine-hours" else 1.0
    return np.asarray(rows[list(CLOCKS[clock])].sum(axis=1) * workers, dtype=float)


def on_grid(rows: pd.DataFrame, column: str, grid: Array, clock: str = "cost") -> Steps:
    """Evaluate a column of the tidy table on a grid of times, for each run.

    Args:
        rows: rows of the tidy table of one method on one task, all its seeds.
        column: name of the column, such as ``regret_recommended``.
        grid: times in seconds, rising, shape ``(grid,)``.
        clock: one of ``CLOCKS``.
    """
    seeds, values, ends = [], [], []
    for seed, run in rows.groupby("seed", sort=True):
        times = clock_of(run, clock)
        last = np.searchsorted(times, grid * (1 + 1e-12), side="right") - 1
        latest = run[column].to_numpy(dtype=float)[np.maximum(last, 0)]
        seeds.append(int(seed))
        values.append(np.where(last >= 0, latest, np.inf))
        ends.append(times[-1])
    alive = (np.array(ends)[:, None] >= grid).sum(axis=0)
    return Steps(tuple(seeds), np.array(values), alive.astype(float))


def within_budget(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the trials that ended within the budget of their run, and always its first trial.

    The trial that exceeds the budget is left out: otherwise, methods that evaluate full trainings
    would get up to one full training more than others.
    """
    over = rows["total_cost"] > rows["budget"] * (1 + 1e-9)
    first = rows.groupby(["task", "method", "seed"]).cumcount() == 0
    return rows[~over | first]


def is_brief(rows: pd.DataFrame) -> bool:
    """Return True if a full training of the task takes less than ``BRIEF``, given its rows."""
    return bool(rows["target_cost"].max() < BRIEF)


BUSY = 1.5
"""load average from which on a machine did more than one run"""


def busy_runs(rows: pd.DataFrame) -> int:
    """Return how many runs were made beside other processes: their CPU readings say little."""
    if "load" not in rows:  # archives of version 0.1
        return 0
    return int((rows.groupby(["task", "method", "seed"]).load.first() > BUSY).sum())
