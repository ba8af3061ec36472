"""Add what delivery costs to an archive of version 0.1: ``benchmarks.complete_archive study=NAME``.

Archives hold the regret of the recommended config after each trial, those of version 0.1 neither
the config nor what its target training costs. The config is found again by replaying what is true
of the configs that the run had evaluated: all methods of these studies recommend one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing

import numpy as np
import pandas as pd

from analysis.data.archive import read_archive, write_archive
from analysis.data.incumbents import FULL
from analysis.data.study_names import report_of, study_of
from analysis.options import STUDY, Command, asks_for_help, refuse
from benchmarks.components import build_task
from benchmarks.core.protocols import Task
from benchmarks.study_tasks import parts_of

COMMAND = Command(
    name="complete_archive",
    module="benchmarks.complete_archive",
    purpose="Add what delivering the recommended configs costs to an archive of version 0.1.",
    usage="study=NAME",
    options=(*STUDY,),
    examples=("study=svm_paper",),
)
EQUAL = 1e-9
"""largest difference of two equal regrets or test errors; replays round them to 1e-12"""


def complete(study: str) -> str:
    """Add the column ``delivery`` to the archive of a study; return one line that says what holds.

    Raises:
        ValueError: there is no archive, or a task of it cannot be replayed any more.
    """
    table, runs = read_archive(report_of(study))
    if "delivery" in table:
        return f"{study}: nothing to do"
    resumable = {run.task: bool(run.version.get("task.resume_training")) for run in runs}
    costs = pd.Series(np.nan, index=table.index)
    for each in parts_of(study).tasks:
        rows = table[table.task == each.name]
        with closing(build_task(each.settings, each.allow)) as task:
            if set(rows.replays) != {str(task.identity.get("table"))}:
                raise ValueError(f"task={each.name}: its runs replay another table")
            for _, run in rows.groupby(["method", "seed"], sort=False):
                costs[run.index] = _delivery(run, task, resumable[each.name])
    table["delivery"] = costs
    table["deliveries"] = "recorded"
    write_archive(table, runs, report_of(study))
    recommends = np.isfinite(table.regret_recommended)
    return (
        f"{study}: found the recommended config of {int(costs[recommends].notna().sum())} of "
        f"{int(recommends.sum())} rows"
    )


def _delivery(run: pd.DataFrame, task: Task, resumable: bool) -> np.ndarray:
    """Return the cost of delivery after each trial of a run, NaN where its config is not found."""
    names = [f"config.{name}" for name in task.space.names]
    truths = [
        task.truth(dict(zip(task.space.names, values, strict=True)))
        for values in run[names].astype(object).itertuples(index=False)
    ]
    loss, test, target = (
        np.array([getattr(truth, name) for truth in truths], dtype=float)
        for name in ("loss", "test_loss", "cost")
    )
    assert task.best_loss is not None
    regret = np.maximum(loss - task.best_loss, float(run.loss_floor.iloc[0]))
    found = np.full(len(run), np.nan)
    same = [tuple(values) for values in run[names].itertuples(index=False)]
    ok, fidelity, cost = (run.status == "ok").to_numpy(), run.fidelity.to_numpy(), run.cost
    for index, (wanted, wanted_test) in enumerate(
        zip(run.regret_recommended, run.test_recommended, strict=True)
    ):
        equal = ok & (np.abs(regret - wanted) < EQUAL) & (np.abs(test - wanted_test) < EQUAL)
        rows = np.flatnonzero(equal[: index + 1])
        if not rows.size:
            continue
        if fidelity[rows].max() >= FULL:
            found[index] = 0.0
            continue
        own = [row for row in rows if same[row] == same[rows[-1]]]
        paid = float(cost.iloc[own].sum()) if resumable else 0.0
        found[index] = max(target[rows[-1]] - paid, 0.0)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, or 2 for a mistake."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if asks_for_help(words):
        print(COMMAND.help(), end="")
        return 0
    try:
        print(complete(study_of(COMMAND.parse(words))))
    except (ValueError, OSError) as error:
        return refuse(error)
    return 0


if __name__ == "__main__":
    sys.exit(main())
