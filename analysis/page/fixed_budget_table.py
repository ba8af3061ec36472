"""The table of what each method has to show at fixed budgets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.data.random_configs import IDENTITY, RandomConfigs, read_random_configs
from analysis.figures import captions
from analysis.page.tables import Table
from analysis.statistics.families import over_families
from analysis.statistics.fixed_budget import BUDGETS, at_budgets, good_cost_of, summarised
from analysis.statistics.random_equivalent import equivalent
from analysis.statistics.regret_targets import ACCOUNTS, account_of
from analysis.statistics.step_curves import is_brief

MEASURES = (
    ("K, delivered", "delivered", "k"),
    ("K, found", "found", "k"),
    ("regret, delivered", "delivered", "regret"),
    ("test error, delivered", "delivered", "test"),
    ("runs worse than untuned, delivered", "delivered", "worse"),
)
"""rows of the table: name, account, column of ``summarised``"""
NOTHING = "–"
DELIVERED = "delivered"


def random_configs_of(table: pd.DataFrame, task: str) -> RandomConfigs:
    """Return the random configs of a task of a study.

    Raises:
        ValueError: there are none, or those of another table or surrogate.
    """
    name, replays, surrogate = map(str, table.loc[table.task == task, IDENTITY].iloc[0])
    return read_random_configs(name, replays, surrogate)


CLOCKS = {
    "cost": "a budget of so many trainings of a good config",
    "wall-clock": "a wall-clock of so many trainings of a good config, one after another",
    "machine-hours": "a budget of so many trainings of a good config in machine-hours, that is, "
    "wall-clock times workers, idle ones included",
}
"""what the budgets of a table are, by clock"""


def fixed_budgets(table: pd.DataFrame, task: str, clock: str = "cost") -> Table:
    """Tabulate random-search equivalents, regrets and test errors at fixed budgets.

    Columns: ``measure`` (of ``MEASURES``), ``method``, and one for each budget, in trainings of a
    good config, that all runs of some method spent.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``; not cut.
        task: name of the task.
        clock: a key of ``CLOCKS``.

    Raises:
        ValueError: if regrets, or the losses of random configs, are not known, or if no method
            spent the smallest budget.
    """
    rows, random = table[table.task == task], random_configs_of(table, task)
    accounts = ACCOUNTS if account_of(rows) == "delivered" else ("found",)
    judged = {
        name: summarised(at_budgets(table, task, random, account=name, clock=clock))
        for name in accounts
    }
    found = judged["found"]
    if not len(found):
        raise ValueError(f"no method spent the cost of {BUDGETS[0]:g} trainings on {task}")
    methods = captions.ordered(found.method)
    budgets = [budget for budget in BUDGETS if budget in set(found.budget)]
    highest = _short(float(equivalent(random, 0.0)))
    lines = []
    for name, account, column in MEASURES:
        if account not in judged or not np.isfinite(judged[account][column]).any():
            continue
        if column == "worse" and np.isnan(random.untuned_test_loss):
            continue
        cells = {
            (row.method, row.budget): _cell(row, column) for row in judged[account].itertuples()
        }
        for method in methods:
            values = {f"{b:g}": cells.get((method, b), NOTHING) for b in budgets}
            if set(values.values()) != {NOTHING}:
                lines.append({"measure": name, "method": method} | values)
        untuned = _untuned(random, column)
        if untuned is not None and account == DELIVERED:
            values = {f"{b:g}": untuned if b >= 1 else NOTHING for b in budgets}
            lines.append({"measure": name, "method": f"untuned ({random.untuned})"} | values)
    return Table(
        pd.DataFrame(lines),
        f"What each method has to show on {task} at {CLOCKS[clock]} "
        f"({_seconds(rows, random)} each). K: the recommended config is as good as the best of K "
        "random full trainings (geometric mean over runs, 95 % bootstrap interval; losses within "
        f"the replay's error, {random.resolution:.2g}, are tied, so K is at most {highest}). "
        "Regret and test error: medians. Delivered: the latest recommendation that was trained at "
        "the target within the budget; below one training nothing can be delivered. Found: the "
        f"recommendation when the budget is spent. '{NOTHING}': not all runs of the method spent "
        "the budget, or nothing was delivered. Untuned: the better one of the task's untuned "
        "configs, which costs no search. Worse than untuned: of the runs that delivered a config."
        + captions.measured(rows, test=True),
    )


def _seconds(rows: pd.DataFrame, random: RandomConfigs) -> str:
    """Return what a training of a good config costs; several costs if they were scaled."""
    runs = rows.groupby(["method", "seed"], sort=False)
    costs = sorted({good_cost_of(run, random) for _, run in runs})
    return " or ".join(f"{cost:.3g} s" for cost in costs)


def _untuned(random: RandomConfigs, column: str) -> str | None:
    """Return what the untuned config has to show; None if the task names none."""
    if not random.untuned or column == "worse":
        return None
    values = {
        "k": random.untuned_k,
        "regret": random.untuned_loss - random.best_loss,
        "test": random.untuned_test_loss,
    }
    value = values[column]
    text = _short(value) if column == "k" else f"{value:.3g}"
    return text if np.isfinite(value) else None


def over_tasks(table: pd.DataFrame) -> Table:
    """Tabulate random-search equivalents by family of tasks and over all families.

    Columns: ``family``, ``tasks``, ``clusters``, ``method``, and one for each budget.

    Args:
        table: as in ``fixed_budgets``.

    Raises:
        ValueError: if what is needed is known for fewer than two tasks.
    """
    judged = {}
    for task in sorted(set(table.task)):
        if is_brief(table[table.task == task]):
            continue  # a suggestion takes longer than a training
        try:
            judged[task] = at_budgets(
                table, task, random_configs_of(table, task), account=DELIVERED
            )
        except ValueError:
            continue
    judged = {task: rows for task, rows in judged.items() if len(rows)}
    if len(judged) < 2:
        raise ValueError("what was delivered at fixed budgets is known for fewer than two tasks")
    found = over_families(judged)
    budgets = sorted(set(found.budget))
    lines = []
    methods = captions.ordered(found.method)
    for family in [*sorted(set(found.family) - {"all"}), "all"]:
        for method in methods:
            rows = found[(found.family == family) & (found.method == method)]
            if len(rows):
                cells = {row.budget: _cell(row, "k") for row in rows.itertuples()}
                counts = {name: int(rows[name].max()) for name in ("tasks", "clusters")}
                lines.append(
                    {"family": family, **counts, "method": method}
                    | {f"{budget:g}": cells.get(budget, NOTHING) for budget in budgets}
                )
    return Table(
        pd.DataFrame(lines),
        "K, delivered, at budgets of so many trainings of a good config: the recommended config is "
        "as good as the best of K random full trainings. Averaged as log K over runs, tasks, "
        "clusters of related tasks and families, each with equal weight; 95 % bootstrap intervals "
        f"over seeds and clusters. Tasks: {', '.join(judged)}. '{NOTHING}': not all runs of the "
        "method on each of the tasks spent the budget.",
    )


def _cell(row: Any, column: str) -> str:
    value = float(getattr(row, column))
    if not np.isfinite(value):
        return NOTHING
    if column == "worse":
        return f"{value:.0f} of {row.compared}"
    if column != "k":
        return f"{value:.3g}"
    low, high = (float(getattr(row, name)) for name in ("k_low", "k_high"))
    return _short(value) + (f" ({_short(low)} to {_short(high)})" if low == low else "")


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"
