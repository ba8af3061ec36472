"""Tables of a report: final results of the methods, and costs to reach regret targets."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.data.escaping import markdown
from analysis.figures import captions
from analysis.page import talk_table
from analysis.page.prices import PRICE, WORKERS
from analysis.statistics.average_costs import average_costs, ratios
from analysis.statistics.regret_targets import (
    account_of,
    candidates,
    reached,
    unit_of,
    within_reach,
)
from analysis.statistics.step_curves import busy_runs, is_brief, within_budget

DIGITS = 3  # significant digits


class Table(NamedTuple):
    """A table of a report, with its caption."""

    data: pd.DataFrame
    caption: str


def final(table: pd.DataFrame, task: str) -> Table:
    """Tabulate the final results on a task: one row per method, the lowest median regret first.

    Columns: ``method``; ``runs`` (and how many were stopped by their number of trials); ``regret``
    and ``test error`` of the recommended config (median over runs, and both quartiles in
    brackets); ``trials``, ``cost [trainings]`` (in seconds if what a training costs is not known)
    and ``overhead [CPU s per trial]`` (medians). Columns without any value are dropped.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
    """
    rows = table[table.task == task]
    unit, unit_name = unit_of(rows)
    records = []
    for method, group in rows.groupby("method", sort=True):
        runs = within_budget(group).groupby("seed", sort=True)
        last = runs.tail(1)
        by_trials = int((last.stopped_by == "trials").sum())
        cost = last.total_cost / unit
        order = last.regret_recommended.median()
        if np.isnan(order):
            order = last.test_recommended.median()
        records.append((order, {
            "method": method,
            "runs": f"{len(last)}" + (f", {by_trials} ended by trials" if by_trials else ""),
            "regret": _quartiles(last.regret_recommended),
            "test error": _quartiles(last.test_recommended),
            "trials": f"{runs.size().median():.0f}",
            f"cost [{unit_name}]": f"{cost.median():.{DIGITS}g}",
            "overhead [CPU s per trial]": f"{group.overhead.median():.{DIGITS}g}",
        }))  # fmt: skip
    records.sort(key=lambda pair: (np.nan_to_num(pair[0], nan=np.inf), pair[1]["method"]))
    data = pd.DataFrame([row for _, row in records])
    data = data[[name for name in data if not (data[name] == "").all()]]
    if busy_runs(rows):
        data = data.drop(columns="overhead [CPU s per trial]")
    return Table(
        data,
        f"Results on {task} at the end of the budget (evaluation cost): median over runs (lower to "
        "upper quartile) of the config that the method recommends after the last trial that ended "
        'within the budget. "Ended by trials": the limit on trials ended the run.'
        + captions.measured(rows, test=True),
    )


def to_target(
    table: pd.DataFrame,
    task: str,
    price: float = PRICE,
    workers: int = WORKERS,
) -> Table:
    """Tabulate the effort of each method to reach a regret target for good.

    The target is the lowest one that half of the runs of every method reached or, if there is
    none, half of the runs of some method. For Cars tasks, a separate column holds the numbers that
    the SigOpt talk assumed (GTC 2019, S9313, slide 33).

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        price: price of one hour of evaluation cost in USD.
        workers: number of workers among which the cost of a serial run is divided.

    Raises:
        ValueError: if the regret is not known, if no method reached a target with half of its
            runs, or if a full training takes less time than a suggestion.
    """
    rows = table[table.task == task]
    near = _targets(table, task)
    target = (within_reach(table, task, every=True) or near)[-1]
    account = account_of(rows)
    runs = reached(table, task, (target,), account=account)
    data = talk_table.as_text(
        talk_table.measured(table, task, target, price, workers, account=account)
    )
    compared = ratios(runs)
    for reference in dict.fromkeys(compared.reference):
        texts = compared[compared.reference == reference].set_index("method").says
        data[f"average cost, ratio to {reference}"] = data.method.map(texts).fillna("")
    listed = ", ".join(f"{each:g}" for each in candidates(rows))
    caption = (
        f"Trials, cost and price to reach a regret of {target:g} on {task} and stay there, at "
        f"{price:.2f} USD per hour. This target is the lowest of {listed} "
        "that half of the runs of every method reached or, if there is none, half of the runs of "
        "some method. Incumbent: the recommended config. "
        f"{talk_table.measured_note(rows)} Average cost (aRT): the cost of all runs, divided by "
        "the number of runs that reached the target; its ratio has a 95 % interval, and below 1 "
        "is cheaper." + captions.account(rows, account) + captions.measured(rows)
    )
    if "cars" in task:
        assumed = talk_table.counterparts(data.method)
        data["assumed in the talk"] = [assumed.get(method, "") for method in data.method]
        caption += " The last column is what the talk assumes (table below), not a measurement."
    return Table(data, caption)


def speedups(table: pd.DataFrame, task: str) -> Table:
    """Tabulate the aRT of each method and target, and its ratio to random search and to EI.

    Columns: ``regret`` (the target), ``method``, ``runs that reached it``, ``average cost
    [<unit>]`` (the aRT, in trainings or seconds), then for each reference method the ratio of the
    cost delivered and that of the cost found (see ``analysis.statistics.regret_targets.reached``;
    only the latter where the cost of target trainings is not known).

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.

    Raises:
        ValueError: if the regret is not known, if no method reached a target with half of its
            runs, or if a full training takes less time than a suggestion.
    """
    rows, targets = table[table.task == task], _targets(table, task)
    account, (unit, unit_name) = account_of(rows), unit_of(rows)
    runs = {name: reached(table, task, targets, account=name) for name in {account, "found"}}
    costs, cost = average_costs(runs[account]), partial(talk_table.number, digits=2)
    by = {
        name: ratios(runs[name]).set_index(["reference", "target", "method"]).says
        for name in sorted(runs)
    }
    lines = []
    for row in costs.sort_values(
        ["target", "art", "method"], ascending=[False, True, True]
    ).itertuples():
        line = {
            "regret": f"{row.target:g}",
            "method": row.method,
            "runs that reached it": f"{row.successes} of {row.runs}",
            f"average cost, {account} [{unit_name}]": f"> {cost(row.at_least / unit)}"
            if row.bound
            else f"{cost(row.art / unit)} ({cost(row.low / unit)} to {cost(row.high / unit)})",
        }
        for reference in dict.fromkeys(by[account].index.get_level_values("reference")):
            for name, texts in by.items():
                line[f"ratio to {reference}, {name}"] = texts.get(
                    (reference, row.target, row.method), ""
                )
        lines.append(line)
    return Table(
        pd.DataFrame(lines),
        f"Average cost (aRT) on {task} to reach a regret and stay there, and its ratio to that of "
        "random search and of expected improvement; below 1 is cheaper. It is the evaluation cost "
        "of all runs, divided by the number of runs that reached the target and stayed there, with "
        "95 % bootstrap intervals over whole runs, paired by seed. If fewer than half of the runs "
        "did, only a bound is given ('>' or '<'). Found: until the recommendation is good, trained "
        "at the target or not. Incumbent: the recommended config."
        + captions.account(rows, account)
        + captions.measured(rows),
    )


def _targets(table: pd.DataFrame, task: str) -> list[float]:
    """Return the targets within reach on a task, largest first; see ``speedups`` for the errors."""
    rows = table[table.task == task]
    if is_brief(rows):
        raise ValueError(
            f"a full training of {task} takes {rows.target_cost.max():.2g} s, less than a "
            "suggestion, so costs do not say how much faster a method is"
        )
    near = within_reach(table, task)
    if not near:
        raise ValueError(f"on {task}, no method reached a target in half of its runs")
    return near


def talk() -> Table:
    """Tabulate the numbers stated in the SigOpt talk, none of which is measured here."""
    data = talk_table.talk()
    numbers = data.select_dtypes("number")
    formatted = data.assign(**{str(name): numbers[name].map(_plain) for name in numbers})
    heads = {
        "talk_observations": "observations", "talk_hours": "training [h]",
        "talk_wall_clock_hours": "wall-clock [h on 20 machines]", "talk_usd": "price [USD]",
    }  # fmt: skip
    return Table(formatted.rename(columns=heads), talk_table.TALK_NOTE)


def to_markdown(data: pd.DataFrame) -> str:
    """Write a table in the Markdown of GitHub; cells are shown as they are."""

    def line(cells: list[object]) -> str:
        return "| " + " | ".join(map(markdown, cells)) + " |"

    body = [line(list(row)) for row in data.itertuples(index=False, name=None)]
    return "\n".join([line(list(data)), "|---" * len(data.columns) + "|", *body]) + "\n"


def _quartiles(values: pd.Series) -> str:
    numbers = values.dropna().to_numpy(dtype=float)
    if not len(numbers):
        return ""
    # infinite values cannot be interpolated: use order statistics
    finite = bool(np.isfinite(numbers).all())
    low, middle, high = np.quantile(
        numbers, (0.25, 0.5, 0.75), method="linear" if finite else "inverted_cdf"
    )
    return f"{middle:.{DIGITS}g} ({low:.{DIGITS}g} to {high:.{DIGITS}g})"


def _plain(value: float) -> str:
    return "" if np.isnan(value) else f"{value:,.0f}"
