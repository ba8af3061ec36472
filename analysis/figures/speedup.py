"""Draw the speed-up of parallel workers: how much sooner the same number of trials ends."""

from __future__ import annotations

import pandas as pd

from analysis.figures import style
from analysis.figures.captions import ordered, seeds_of
from analysis.figures.figure import Figure


def draw_speedup(table: pd.DataFrame) -> Figure:
    """Draw the speed-up against the number of workers, one panel per task.

    The speed-up is the wall-clock time of a run with one worker divided by that of a run with more
    workers. Runs are paired by seed and number of trials, and runs without a partner are left out.
    Lines and bands are the median and the quartiles over seeds.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``. Overridden options, which follow the
            first comma in the name of a method, are ignored.

    Returns:
        A figure with the data columns ``task``, ``method``, ``workers``, ``median``, ``lower``,
        ``upper`` (speed-up, a factor) and ``runs``.

    Raises:
        ValueError: if no run with one worker has a partner.
    """
    runs = table.assign(method=table.method.str.partition(",")[0])
    runs = runs.groupby(["task", "method", "seed", "workers"]).agg(
        end=("end", "max"), trials=("trial", "count")
    )
    runs = runs.reset_index()
    serial = runs[runs.workers == 1].drop(columns="workers")
    pairs = runs.merge(serial, on=["task", "method", "seed", "trials"], suffixes=("", "_serial"))
    if not (pairs.workers > 1).any():
        raise ValueError(
            "for no run with one worker is there a run with more workers, the same seed and the "
            "same number of trials"
        )
    pairs = pairs.assign(times=pairs.end_serial / pairs.end)
    data = pairs.groupby(["task", "method", "workers"]).times.agg(
        median="median",
        lower=lambda values: values.quantile(0.25),
        upper=lambda values: values.quantile(0.75),
        runs="count",
    )
    data = data.reset_index()

    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator, NullLocator

    tasks = sorted(set(data.task))
    figure, panels = plt.subplots(
        1, len(tasks), figsize=(max(4.6 * len(tasks), 6.4), 4.6), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    widths = sorted(set(data.workers))
    handles = {}
    for ax, task in zip(panels.flat, tasks, strict=True):
        (ideal,) = ax.plot(widths, widths, color="black", linestyle=":", linewidth=1)
        for method, line in data[data.task == task].groupby("method", sort=True):
            colour = style.colour_of(str(method))
            ax.fill_between(
                line.workers, line.lower, line.upper, color=colour, alpha=0.2, linewidth=0
            )
            (handles[str(method)],) = ax.plot(
                line.workers, line["median"], color=colour, linestyle=style.dash_of(str(method)),
                marker="o",
            )  # fmt: skip
        ax.set(title=task, xscale="log", yscale="log", xlabel="workers")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_locator(FixedLocator(widths))
            axis.set_major_formatter("{x:g}")
            axis.set_minor_locator(NullLocator())
    panels[0, 0].set_ylabel("speed-up (times)")
    names = ordered(handles)
    figure.legend(
        [*(handles[name] for name in names), ideal],
        [*map(style.legend_name, names), "proportional"],
        loc="outside lower center",
        ncols=min(len(names) + 1, 6),
    )
    caption = (
        "How many times sooner the same number of trials ends with more workers than with one, by "
        f"the clock of the run: median and quartiles over {seeds_of(table)}, each compared with "
        "its own run on one worker. A method may choose other configs while trials are running; "
        "as costs differ between configs, this raises or lowers its speed-up."
    )
    return Figure(figure, data, caption)
