"""The tables of a report: what each method ended with, and what a target took (slide 33)."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.page import talk_table
from analysis.statistics.average_costs import average_costs, ratios
from analysis.statistics.regret_targets import LADDER, reached, touched, unit_of, within_reach
from analysis.statistics.step_curves import is_brief, within_budget

DIGITS = 3


class Table(NamedTuple):
    """One table of a report."""

    data: pd.DataFrame
    caption: str


def final(table: pd.DataFrame, task: str) -> Table:
    """What the methods ended with on a task: one row a method, the lowest median regret first.

    Columns: ``method``, ``runs`` (and how many were stopped by trials), medians over runs with both
    quartiles in brackets: ``regret``, ``test error`` of the recommended config; medians:
    ``trials``, ``cost [full trainings]`` (or seconds), ``overhead [CPU s a trial]``.
    """
    rows = table[table.task == task]
    unit = float(rows.target_cost.max())
    known = unit > 0
    found = []
    for method, group in rows.groupby("method", sort=True):
        runs = within_budget(group).groupby("seed", sort=True)
        last = runs.tail(1)
        by_trials = int((last.stopped_by == "trials").sum())
        cost = last.total_cost / unit if known else last.total_cost
        order = last.regret_recommended.median()
        if np.isnan(order):
            order = last.test_recommended.median()
        found.append((order, {
            "method": method,
            "runs": f"{len(last)}" + (f", {by_trials} by trials" if by_trials else ""),
            "regret": _quartiles(last.regret_recommended),
            "test error": _quartiles(last.test_recommended),
            "trials": f"{runs.size().median():.0f}",
            f"cost [{'full trainings' if known else 's'}]": f"{cost.median():.{DIGITS}g}",
            "overhead [CPU s a trial]": f"{group.overhead.median():.{DIGITS}g}",
        }))  # fmt: skip
    found.sort(key=lambda pair: (np.nan_to_num(pair[0], nan=np.inf), pair[1]["method"]))
    data = pd.DataFrame([row for _, row in found])
    data = data[[name for name in data if not (data[name] == "").all()]]
    return Table(
        data,
        f"What each method ended with on {task}: median over runs (lower to upper quartile), of "
        "the recommended config (rule recommended) at the end of the budget, as of the last trial "
        "that ended within it; clock: cost.",
    )


def to_target(
    table: pd.DataFrame,
    task: str,
    price: float = talk_table.PRICE,
    workers: int = talk_table.WORKERS,
) -> Table:
    """What the lowest target that half of each method's runs reached took each method (or, without
    one, that half of some method's runs did).

    On a Cars task, the talk's figures stand in a column of their own.

    Args:
        table: as ``analysis.data.tidy.tidy`` makes it.
        task: its name.
        price: of an hour of cost, USD.
        workers: over which the cost of a serial run is divided.

    Raises:
        ValueError: no regret is known, no target was reached by half of a method's runs, or a
            full training is shorter than a suggestion.
    """
    rows = table[table.task == task]
    near = _targets(table, task)
    target = (within_reach(table, task, every=True) or near)[-1]
    runs = reached(table, task, (target,))
    data = talk_table.written(talk_table.measured(table, task, target, price, workers))
    compared = ratios(runs)
    for reference in dict.fromkeys(compared.reference):
        says = compared[compared.reference == reference].set_index("method").says
        data[f"aRT over {reference}'s"] = data.method.map(says).fillna("")
    caption = (
        f"What it took to reach a regret of {target:g} on {task} for good (of "
        f"{', '.join(map(str, LADDER))}, the lowest that half of every method's runs did "
        "or, if there is none, of some method's), at "
        f"{price:.2f} USD an hour. Rule recommended; clock: cost. "
        f"{talk_table.measured_note(rows)} aRT: cost of all runs over "
        "the number that got there, as a ratio with its 95 % interval; below 1 is cheaper."
    )
    if "cars" in task:
        data["the talk's, assumed"] = data.method.map(talk_table.counterparts(data.method))
        data = data.fillna("")
        caption += " The last column is the talk's arithmetic (below), not a measurement."
    return Table(data, caption)


def speedups(table: pd.DataFrame, task: str) -> Table:
    """How much cheaper than random and than EI each method reaches each target: ratios of aRT.

    Columns: ``regret``, ``method``, ``runs there``, ``aRT`` (in full trainings or seconds), then
    for each reference its ratio, and that of first touches, see
    ``analysis.statistics.regret_targets.reached``.

    Raises:
        ValueError: no regret is known, no target was reached by half of a method's runs, or a
            full training is shorter than a suggestion.
    """
    runs = reached(table, task, _targets(table, task))
    unit, what = unit_of(table[table.task == task])
    costs, cost = average_costs(runs), partial(talk_table.number, digits=2)
    by = {
        name: found.set_index(["reference", "target", "method"]).says
        for name, found in (("", ratios(runs)), (", first touch", ratios(touched(runs))))
    }
    lines = []
    for row in costs.sort_values(
        ["target", "art", "method"], ascending=[False, True, True]
    ).itertuples():
        line = {
            "regret": f"{row.target:g}",
            "method": row.method,
            "runs there": f"{row.successes} of {row.runs}",
            f"aRT [{what}]": f"> {cost(row.at_least / unit)}"
            if row.bound
            else f"{cost(row.art / unit)} ({cost(row.low / unit)} to {cost(row.high / unit)})",
        }
        for reference in dict.fromkeys(by[""].index.get_level_values("reference")):
            for name, says in by.items():
                line[f"over {reference}'s{name}"] = says.get(
                    (reference, row.target, row.method), ""
                )
        lines.append(line)
    return Table(
        pd.DataFrame(lines),
        f"Cost to reach a regret on {task} for good, and its ratio to that of random search and of "
        "expected improvement, below 1 is cheaper: aRT, the cost of all runs over the number that "
        "got there and stayed, with 95 % bootstrap intervals over whole runs, paired by seed. With "
        "under half of the runs there, a bound. First touch: the same until the incumbent was at "
        "the target for the first time, even if it left it again; staying depends on when runs "
        "end, so the truth lies between both. Rule recommended; clock: cost.",
    )


def _targets(table: pd.DataFrame, task: str) -> list[float]:
    """The targets within reach of a task that says something of speed, largest first."""
    rows = table[table.task == task]
    if is_brief(rows):
        raise ValueError(
            f"a full training of {task} takes {rows.target_cost.max():.2g} s, less than a "
            "suggestion: it says nothing of how much faster a method is"
        )
    near = within_reach(table, task)
    if not near:
        raise ValueError(f"on {task} no method reached a target with half of its runs")
    return near


def talk() -> Table:
    """The talk's own figures, beside what is measured here."""
    data = talk_table.talk()
    numbers = data.select_dtypes("number")
    written = data.assign(**{str(name): numbers[name].map(_plain) for name in numbers})
    return Table(written, f"The talk's own figures. {talk_table.TALK_NOTE}")


def to_markdown(data: pd.DataFrame) -> str:
    """A table of texts and numbers in GitHub's Markdown."""

    def line(cells: list[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"

    body = [line(list(row)) for row in data.itertuples(index=False, name=None)]
    return "\n".join([line(list(data)), "|---" * len(data.columns) + "|", *body]) + "\n"


def _quartiles(values: pd.Series) -> str:
    known = values.dropna().to_numpy(dtype=float)
    if not len(known):
        return ""
    # order statistics: an infinite value cannot be interpolated
    whole = bool(np.isfinite(known).all())
    low, middle, high = np.quantile(
        known, (0.25, 0.5, 0.75), method="linear" if whole else "inverted_cdf"
    )
    return f"{middle:.{DIGITS}g} ({low:.{DIGITS}g} to {high:.{DIGITS}g})"


def _plain(value: float) -> str:
    return "" if np.isnan(value) else f"{value:,.0f}"
