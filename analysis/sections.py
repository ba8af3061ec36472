"""What a report has, in order: declared here, drawn by ``analysis.figures`` and ``tables``."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd

from analysis import tables
from analysis.drawn import Drawn
from analysis.figures.allocation import draw_allocation
from analysis.figures.cost_to_target import draw_cost_to_target
from analysis.figures.critical_difference import draw_critical_difference
from analysis.figures.ecdf import draw_ecdf
from analysis.figures.hyperparameters import draw_hyperparameters
from analysis.figures.importance import draw_importance
from analysis.figures.incumbent import draw_incumbent
from analysis.figures.overhead import draw_overhead
from analysis.figures.ranks import draw_ranks
from analysis.figures.wins import draw_wins
from analysis.tables import Shown


class Item(NamedTuple):
    """One figure or table."""

    name: str
    """of its files"""
    title: str
    make: Callable[[], Drawn | Shown]
    """raises ValueError with one sentence where there is too little to draw it from"""


class Section(NamedTuple):
    """A heading of the report and what stands below it."""

    name: str
    title: str
    items: Callable[[pd.DataFrame], Sequence[Item]]
    """given the tidy table"""


def tasks_of(table: pd.DataFrame) -> list[str]:
    """Names of the tasks, in order."""
    return sorted(set(table.task))


def file_name(*parts: str) -> str:
    """A name for files, of letters, digits, ``_``, ``-``, ``.`` and ``=`` only."""
    return re.sub(r"[^\w.=-]+", "_", "-".join(parts))


def lowest(table: pd.DataFrame, task: str) -> str:
    """The method with the lowest median of the last regret (where it is not known, test error, or
    the lowest loss seen) of the recommended config on a task; at a tie the first by name.
    """
    rows = table[table.task == task]
    last = rows.groupby(["method", "seed"]).tail(1)
    for name in ("regret_recommended", "test_recommended"):
        medians = last.groupby("method")[name].median().dropna()
        if len(medians):
            return str(medians.idxmin())
    return str(rows.groupby("method").loss.min().fillna(float("inf")).idxmin())


def _headline(table: pd.DataFrame) -> list[Item]:
    return [
        Item(f"incumbent-{quantity}", title, partial(draw_incumbent, table, quantity=quantity))
        for quantity, title in (("test", "Test error"), ("regret", "Regret"))
    ]


def _supplement(table: pd.DataFrame) -> list[Item]:
    return [
        Item(
            file_name("incumbent", quantity, rule, clock.replace(" + ", "+").replace("+", "_and_")),
            f"{title}, rule {rule}, clock {clock}",
            partial(draw_incumbent, table, rule, clock, quantity),
        )
        for quantity, title in (("test", "Test error"), ("regret", "Regret"))
        for rule, clock in (
            ("recommended", "cost + overhead"),
            ("best_at_target", "cost"),
            ("best_seen", "cost"),
        )
    ]


def _by_task(
    name: str, draw: Callable[..., Drawn | Shown], table: pd.DataFrame, tasks: Sequence[str]
) -> list[Item]:
    return [Item(file_name(name, task), task, partial(draw, table, task)) for task in tasks]


def _hyperparameters(table: pd.DataFrame) -> list[Item]:
    pairs = [(task, lowest(table, task)) for task in tasks_of(table)]
    return [
        Item(
            file_name("hyperparameters", task),
            f"{task}: {method}, which ended lowest",
            partial(draw_hyperparameters, table, task, method),
        )
        for task, method in pairs
    ]


def _tables(table: pd.DataFrame) -> list[Item]:
    tasks = tasks_of(table)
    items = [
        item._replace(title=f"{item.title}: {what}")
        for name, draw, what in (
            ("final", tables.final, "in the end"),
            ("to_target", tables.to_target, "to reach a target"),
        )
        for item in _by_task(name, draw, table, tasks)
    ]
    # its numbers are of fine-tuning on Stanford Cars: beside other tasks they would mislead
    if any("cars" in task for task in tasks):
        items.append(Item("talk", "The talk's own figures", tables.talk))
    return items


def _one(name: str, draw: Callable[..., Drawn]) -> Callable[[pd.DataFrame], Sequence[Item]]:
    return lambda table: [Item(name, "", partial(draw, table))]


def _each(name: str, draw: Callable[..., Drawn]) -> Callable[[pd.DataFrame], Sequence[Item]]:
    return lambda table: _by_task(name, draw, table, tasks_of(table))


SECTIONS = (
    Section("incumbent", "What the recommended config is worth", _headline),
    Section("supplement", "Supplement: other rules, the other clock", _supplement),
    Section("allocation", "What the budget was spent on", _each("allocation", draw_allocation)),
    Section("hyperparameters", "Hyperparameters", _hyperparameters),
    Section("importance", "Importance of hyperparameters", _each("importance", draw_importance)),
    Section("cost_to_target", "Cost to target", _each("cost_to_target", draw_cost_to_target)),
    Section("ecdf", "Share of targets reached", _one("ecdf", draw_ecdf)),
    Section("ranks", "Average ranks", _one("ranks", draw_ranks)),
    Section("critical_difference", "Critical difference",
            _one("critical_difference", draw_critical_difference)),
    Section("wins", "Who beats whom", _one("wins", draw_wins)),
    Section("overhead", "Overhead", _one("overhead", draw_overhead)),
    Section("tables", "Tables", _tables),
)  # fmt: skip
