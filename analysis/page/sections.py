"""The sections of a report and their figures and tables, in the order of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from analysis.data.failures import failures_in
from analysis.data.families import cluster_of
from analysis.figures.allocation import draw_allocation
from analysis.figures.captions import CLOCKS, RULES
from analysis.figures.cost_to_target import draw_cost_to_target
from analysis.figures.critical_difference import draw_critical_difference
from analysis.figures.ecdf import draw_ecdf
from analysis.figures.figure import Figure
from analysis.figures.hyperparameters import draw_hyperparameters
from analysis.figures.importance import draw_importance
from analysis.figures.incumbent import draw_incumbent
from analysis.figures.landscape import draw_landscape
from analysis.figures.multitask_toy import draw_multitask, models_several_tasks
from analysis.figures.overhead import draw_overhead
from analysis.figures.ranks import draw_ranks
from analysis.figures.speedup import draw_speedup
from analysis.figures.wins import draw_wins
from analysis.page import cars_case_study as case_study
from analysis.page import surrogate_agreement as surrogates
from analysis.page import tables
from analysis.page.entries import (
    Entry,
    ReportContext,
    Section,
    by_task,
    file_name,
    is_scaling_study,
    lowest,
    tasks_of,
)
from analysis.page.failure_table import failed_trials
from analysis.page.fixed_budget_table import fixed_budgets, over_tasks
from analysis.statistics.step_curves import is_brief


def sections_of(table: pd.DataFrame) -> list[Section]:
    """Return the sections of the report of a study.

    The report of a worker-scaling study has only those in ``SCALING``, because it has no methods
    to compare.
    """
    scaling = is_scaling_study(table)
    return [section for section in SECTIONS if not scaling or section.name in SCALING]


def _headline(context: ReportContext) -> list[Entry]:
    table = context.table
    return [
        Entry(f"incumbent-{quantity}", title, partial(draw_incumbent, table, quantity=quantity))
        for quantity, title in (("test", "Test error"), ("regret", "Regret"))
    ]


def _supplement(context: ReportContext) -> list[Entry]:
    table = context.table
    brief = [task for task in tasks_of(table) if is_brief(table[table.task == task])]
    slow = table[~table.task.isin(brief)]
    return [
        Entry(
            file_name("incumbent", quantity, rule, clock.replace(" + ", "+").replace("+", "_and_")),
            f"{title} of the {RULES[rule]} against {CLOCKS[clock]}",
            partial(draw_incumbent, table if clock == "cost" else slow, rule, clock, quantity),
        )
        for quantity, title in (("test", "Test error"), ("regret", "Regret"))
        for rule, clock in (
            *([("recommended", "wall-clock")] if (table.workers > 1).any() else []),
            ("recommended", "cost + overhead"),
            ("best_at_target", "cost"),
            ("best_seen", "cost"),
        )
    ]


def _landscape(context: ReportContext) -> list[Entry]:
    """Return an entry for each recorded task with exactly two hyperparameters, both numeric."""
    entries = []
    for task in tasks_of(context.table):
        rows = context.table[context.table.task == task]
        configs = rows[[n for n in rows if n.startswith("config.")]].dropna(axis=1, how="all")
        numbers = configs.select_dtypes("number").shape[1]
        if (rows.replays != "none").any() and configs.shape[1] == 2 == numbers:
            method = "fabolas" if "fabolas" in set(rows.method) else lowest(context.table, task)
            draw = partial(_landscape_of, context, task, method)
            entries.append(Entry(file_name("landscape", task), f"{task}, trials of {method}", draw))
    return entries


def _landscape_of(context: ReportContext, task: str, method: str) -> Figure:
    name = f"maps_{task}.csv"
    figure = draw_landscape(context.data.read(name), context.table, task, method)
    warning = context.data.other_table(name, _replays(context.table, task))
    return replace(figure, caption=figure.caption + warning)


def _replays(table: pd.DataFrame, task: str) -> object:
    """Return the SHA-256 of the table that the runs of a task replay, or ``none``."""
    return table[table.task == task].replays.iloc[0]


def _multitask(context: ReportContext) -> list[Entry]:
    def draw() -> Figure:
        names = ("multitask_toy.csv", "multitask_toy_points.csv")
        return draw_multitask(*(context.data.read(name) for name in names))

    explained = any(map(models_several_tasks, set(context.table.method)))
    return [Entry("multitask", "", draw, of_runs=False)] if explained else []


def cars_tasks(context: ReportContext) -> list[str]:
    """Return the names of the Cars tasks, without variants that differ only in the surrogate."""
    return [t for t in tasks_of(surrogates.without_variants(context.table)) if "cars" in t]


def _misclassified(context: ReportContext) -> list[Entry]:
    return [
        Entry(
            file_name("misclassified", task),
            task,
            partial(case_study.gained, task, context.data, _replays(context.table, task)),
        )
        for task in cars_tasks(context)
    ]


def _surrogates(context: ReportContext) -> list[Entry]:
    return [
        Entry(
            file_name("surrogates", task, other),
            f"{task} and {other}",
            partial(surrogates.rank_changes, context.table, task, other),
        )
        for task, others in surrogates.variants(context.table).items()
        for other in others
    ]


def _hyperparameters(context: ReportContext) -> list[Entry]:
    table = context.table
    pairs = [(task, lowest(table, task)) for task in tasks_of(table)]
    return [
        Entry(
            file_name("hyperparameters", task),
            f"{task}, trials of {method}, the best method at the end",
            partial(draw_hyperparameters, table, task, method),
        )
        for task, method in pairs
    ]


def _cost_to_target(context: ReportContext) -> list[Entry]:
    table, tasks = context.by_cost, tasks_of(context.table)
    return by_task("cost_to_target", draw_cost_to_target, table, tasks) + [
        entry._replace(title=f"{entry.title}: ratios of average costs")
        for entry in by_task("speedups", tables.speedups, table, tasks)
    ]


def _tables(context: ReportContext) -> list[Entry]:
    table, tasks, cars = context.table, tasks_of(context.table), cars_tasks(context)
    to_target = partial(tables.to_target, price=context.price, workers=context.workers)
    entries = [
        entry._replace(title=f"{entry.title}: {what}")
        for name, draw, rows, what in (
            ("final", tables.final, table, "results at the end"),
            ("to_target", to_target, context.by_cost, "effort to reach a target"),
        )
        for entry in by_task(name, draw, rows, tasks)
    ]
    entries += [
        entry._replace(title=f"{entry.title}: at fixed budgets")
        for entry in by_task("fixed_budgets", fixed_budgets, context.by_cost, tasks)
    ]
    if (table.workers > 1).any():
        entries += [
            entry._replace(title=f"{entry.title}: at fixed {clock}")
            for clock in ("wall-clock", "machine-hours")
            for entry in by_task(
                f"fixed_{clock}", partial(fixed_budgets, clock=clock), context.by_cost, tasks
            )
        ]
    if len(tasks) > 1:
        families = partial(over_tasks, surrogates.without_variants(context.by_cost))
        entries.append(Entry("families", "At fixed budgets, by family of tasks", families))
    entries += [
        Entry(
            file_name("baseline", task),
            f"{task}: baseline and tuned configs",
            partial(case_study.baseline, table, task, context.data),
        )
        for task in cars
    ]
    if failures_in(table):
        entries.append(Entry("failures", "Failed trials", partial(failed_trials, table)))
    # the numbers hold for fine-tuning on Stanford Cars and would mislead next to other tasks
    if cars:
        entries.append(Entry("talk", "The numbers of the talk", tables.talk, of_runs=False))
    return entries


def _speedup(context: ReportContext) -> list[Entry]:
    """Return the entry only for studies with several numbers of workers."""
    several = context.table.workers.nunique() > 1
    return [Entry("speedup", "", partial(draw_speedup, context.table))] if several else []


def _over_tasks(
    name: str, draw: Callable[..., Figure]
) -> Callable[[ReportContext], Sequence[Entry]]:
    """Make an entry that averages over tasks; variants of a task by surrogate are left out."""
    return lambda context: [
        Entry(name, "", partial(draw, surrogates.without_variants(context.table)))
    ]


def _critical_difference(table: pd.DataFrame) -> Figure:
    """Draw the diagram if there are enough tasks that are not related.

    Raises:
        ValueError: there are not.
    """
    clusters = sorted({cluster_of(task) for task in tasks_of(table)})
    if len(clusters) < CLUSTERS:
        count = f"{len(clusters)} cluster{'s' * (len(clusters) != 1)} of related tasks"
        raise ValueError(f"the test needs {CLUSTERS}; the study has {count}")
    return draw_critical_difference(table)


def _one(name: str, draw: Callable[..., Figure]) -> Callable[[ReportContext], Sequence[Entry]]:
    return lambda context: [Entry(name, "", partial(draw, context.table))]


def _each(name: str, draw: Callable[..., Figure]) -> Callable[[ReportContext], Sequence[Entry]]:
    return lambda context: by_task(name, draw, context.table, tasks_of(context.table))


CLUSTERS = 10
"""clusters of related tasks from which on ranks over tasks are tested"""
SCALING = ("speedup", "tables")
"""names of the sections shown for worker-scaling studies"""

SECTIONS = (
    Section("incumbent", "How good the recommended config is", _headline),
    Section("supplement", "Supplement: other incumbents, and cost with overhead", _supplement),
    Section("landscape", "Loss and cost over the search space, with a run's trials", _landscape),
    Section("multitask", "What a multi-task model learns", _multitask),
    Section("allocation", "What the budget was spent on", _each("allocation", draw_allocation)),
    Section("hyperparameters", "Hyperparameters that were tried", _hyperparameters),
    Section("importance", "Importance of hyperparameters", _each("importance", draw_importance)),
    Section("cost_to_target", "Cost to reach a target", _cost_to_target),
    Section("ecdf", "Share of targets reached", _one("ecdf", draw_ecdf)),
    Section("ranks", "Average ranks", _over_tasks("ranks", draw_ranks)),
    Section("critical_difference", "Critical difference",
            _over_tasks("critical_difference", _critical_difference)),
    Section("wins", "How often one method beats another", _over_tasks("wins", draw_wins)),
    Section("surrogates", "Do ranks depend on the surrogate?", _surrogates),
    Section("speedup", "Speed-up with more workers", _speedup),
    Section("overhead", "Overhead", _one("overhead", draw_overhead)),
    Section("misclassified", "Test photos that only the tuned config gets right", _misclassified),
    Section("tables", "Tables", _tables),
)  # fmt: skip
