"""What a report is made of: entries (figures and tables), sections, and the data behind them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import pandas as pd

from analysis.figures.figure import Figure
from analysis.page.figure_data import FigureData
from analysis.page.prices import PRICE, WORKERS
from analysis.page.tables import Table
from analysis.statistics.step_curves import within_budget


class ReportContext(NamedTuple):
    """The data and options that figures and tables are made from."""

    table: pd.DataFrame
    """tidy table, see ``analysis.data.tidy.tidy``"""
    data: FigureData
    """files that ``benchmarks.figure_data`` wrote for the study"""
    price: float = PRICE
    """price of one hour of evaluation cost in USD"""
    workers: int = WORKERS
    """number of workers among which the cost of a serial run is divided, for an ideal wall-clock"""
    whole: pd.DataFrame | None = None
    """the table for measures that know what a run had spent when it ended, see ``by_cost`` of
    ``analysis.data.study.Study``; None for ``table``"""

    @property
    def by_cost(self) -> pd.DataFrame:
        """``whole`` if it is there, else ``table``."""
        return self.table if self.whole is None else self.whole


class Entry(NamedTuple):
    """One figure or table of a report."""

    name: str
    """name of its files, without the suffix"""
    title: str
    make: Callable[[], Figure | Table]
    """makes the figure or table; raises ValueError, with one sentence, if there are too few data"""
    of_runs: bool = True
    """False for what does not depend on the runs of the study"""


class Section(NamedTuple):
    """A section of a report: its heading and the entries below it."""

    name: str
    """anchor of the section on the page"""
    title: str
    entries: Callable[[ReportContext], Sequence[Entry]]
    """returns the entries; if there are none, the section is left out of the report"""


def tasks_of(table: pd.DataFrame) -> list[str]:
    """Return the names of the tasks, sorted."""
    return sorted(set(table.task))


def file_name(*parts: str) -> str:
    """Join parts to a file name of letters, digits, ``_``, ``-``, ``.`` and ``=`` only."""
    return re.sub(r"[^\w.=-]+", "_", "-".join(parts))


def lowest(table: pd.DataFrame, task: str) -> str:
    """Return the method with the lowest median final regret on a task; in a tie, the first by name.

    The regret is that of the config recommended at the end of the budget. If it is not known, the
    test error of that config is used and, if that is not known, the lowest observed loss.
    """
    rows = table[table.task == task]
    last = within_budget(rows).groupby(["method", "seed"]).tail(1)
    for name in ("regret_recommended", "test_recommended"):
        medians = last.groupby("method")[name].median().dropna()
        if len(medians):
            return str(medians.idxmin())
    return str(rows.groupby("method").loss.min().fillna(float("inf")).idxmin())


def is_scaling_study(table: pd.DataFrame) -> bool:
    """Return True for a worker-scaling study: its methods differ in their numbers of workers."""
    methods = set(table.method)
    return table.workers.nunique() > 1 and all(",workers.n=" in method for method in methods)


def by_task(
    name: str, draw: Callable[..., Figure | Table], table: pd.DataFrame, tasks: Sequence[str]
) -> list[Entry]:
    """Return one entry for each task, which draws its part of the table."""
    return [Entry(file_name(name, task), task, partial(draw, table, task)) for task in tasks]
