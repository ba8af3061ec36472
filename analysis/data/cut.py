"""Cut the tidy table of a study where the budgets of its runs differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.data.budgets import INFINITE, Columns, Cut, End, cut_of, sentence, within
from analysis.data.run_metadata import RunMetadata
from analysis.data.tidy import with_running


def cut_table(
    table: pd.DataFrame,
    runs: Sequence[RunMetadata],
    at: float | None = None,
) -> tuple[pd.DataFrame, str | None]:
    """Cut the runs of each task at the budget that all of them reached, or at a cost.

    A run is cut to the trials that it would have had with that budget. ``budget``, ``stopped_by``
    and the cumulative columns are those of the shorter run. With several workers, the incumbents
    of trials that ended late may rest on trials that are cut away.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        runs: metadata of the runs in the table.
        at: cost at which to cut, in target evaluations; None for the smallest budget of the task.

    Returns:
        The table, which is the same object if nothing is cut, and one line that says where runs
        are cut; None if none are.
    """
    cuts: dict[str, Cut | None] = {}
    for task in sorted({run.task for run in runs}):
        unit = float(table.loc[table.task == task, "target_cost"].max())
        own = [run for run in runs if run.task == task]
        ends = [End(run.cost, run.stopped_by) for run in own]
        asked = [run.budget for run in own]
        known = "good_cost" in table  # archives of version 0.1 do not have it
        good = float(table.loc[table.task == task, "good_cost"].max()) if known else 0.0
        cuts[task] = cut_of(asked, ends, unit if unit > 0 else None, at, good if good > 0 else None)
    said = sentence(cuts, at)
    if not any(cuts.values()):
        return table, said
    parts = []
    for (task, _, _), rows in table.groupby(["task", "method", "seed"], sort=False):
        cut = cuts.get(str(task))
        parts.append(rows if cut is None else _cut(rows, cut))
    return pd.concat(parts, ignore_index=True), said


def _cut(rows: pd.DataFrame, cut: Cut) -> pd.DataFrame:
    parallel = rows.workers.iloc[0] > 1
    empty = pd.Series(np.nan, index=rows.index)
    # archives of version 0.1 have no nominal costs
    nominal = rows.get("nominal", empty).fillna(0.0)
    times = (rows.start, rows.end) if parallel else (empty, empty)
    columns = (each.to_numpy(dtype=float) for each in (rows.trial, rows.cost, nominal, *times))
    kept, reason = within(Columns(*columns), cut.limits)
    rows = rows[kept].copy()
    if reason is not None:
        rows["stopped_by"] = reason
        rows["total_overhead"] = rows.overhead.cumsum()
        if parallel:
            clock = (rows[name].to_numpy(dtype=float) for name in ("start", "end", "cost"))
            rows["total_cost"] = with_running(*clock)
    limited = cut.limits.cost < INFINITE
    rows["budget"] = cut.limits.cost if limited else float(rows.cost.to_numpy().cumsum()[-1])
    return rows
