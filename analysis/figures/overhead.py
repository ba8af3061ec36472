"""Draw the overhead of methods per trial, in CPU seconds, against the number of the trial."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.figures import style
from analysis.figures.captions import ordered, seeds_of
from analysis.figures.figure import Figure
from analysis.statistics.step_curves import BUSY, busy_runs

COLUMNS = 3  # panels in a row


def draw_overhead(table: pd.DataFrame) -> Figure:
    """Draw the median and the quartiles over seeds of the overhead per trial, one panel per task.

    Overhead is the CPU time that the method takes to suggest and to recommend, on the machine that
    ran the study. A line ends where fewer than half of the runs of the method have a trial.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.

    Returns:
        A figure with the data columns ``task``, ``method``, ``trial`` (from 1), ``median``,
        ``lower``, ``upper`` (CPU seconds) and ``runs`` (number of runs that have the trial).

    Raises:
        ValueError: if the machine was busy with something else, so that readings say little.
    """
    busy = busy_runs(table)
    if busy:
        raise ValueError(
            f"{busy} run{'s' * (busy != 1)} shared the machine with other processes (load average "
            f"above {BUSY:g})"
        )
    style.use()
    import matplotlib.pyplot as plt

    groups = table.assign(trial=table["trial"] + 1).groupby(["task", "method", "trial"])["overhead"]
    data = groups.agg(
        median="median",
        lower=lambda values: values.quantile(0.25),
        upper=lambda values: values.quantile(0.75),
        runs="count",
    ).reset_index()
    seeds = table.groupby(["task", "method"])["seed"].nunique()
    every = np.array([seeds[key] for key in zip(data["task"], data["method"], strict=True)])
    data = data[2 * data["runs"] >= every].reset_index(drop=True)

    tasks = sorted(data["task"].unique())
    wide, high = min(COLUMNS, len(tasks)), -(-len(tasks) // COLUMNS)
    figure, panels = plt.subplots(
        high, wide, figsize=(max(4.6 * wide, 6.4), 3.6 * high + 0.6), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    handles = {}
    for ax, task in zip(panels.flat, tasks, strict=False):
        for method, line in data[data["task"] == task].groupby("method", sort=True):
            colour = style.colour_of(str(method))
            ax.fill_between(
                line["trial"], line["lower"], line["upper"], color=colour, alpha=0.2, linewidth=0
            )
            (handles[str(method)],) = ax.plot(
                line["trial"], line["median"], color=colour, linestyle=style.dash_of(str(method)),
                marker="o" if len(line) == 1 else "", label=str(method),
            )  # fmt: skip
        ax.set(title=task, yscale="log", xlabel="trial (number)")
    for ax in panels[:, 0]:
        ax.set_ylabel("overhead per trial (CPU s)")
    for ax in panels.flat[len(tasks) :]:
        ax.remove()
    names = ordered(handles)
    figure.legend(
        [handles[name] for name in names],
        [style.legend_name(name) for name in names],
        loc="outside lower center",
        ncols=min(len(names), 6),
    )
    caption = (
        "Overhead of each trial, that is, the CPU seconds that a method takes to suggest and to "
        f"recommend: median and quartiles over {seeds_of(table)}. A line ends where fewer than "
        "half of the method's runs have a trial."
    )
    return Figure(figure, data, caption)
