"""Draw the ECDF of the cost over (run, target) pairs.

Follows COCO (arXiv:1605.03560, section "Empirical Distribution Functions"), but without simulated
restarts.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from analysis.figures import captions, style
from analysis.figures.figure import Figure
from analysis.figures.scales import plain_log
from analysis.statistics.regret_targets import ecdf, ladder, reached, unit_of

ACROSS = 3  # panels in a row


def draw_ecdf(
    table: pd.DataFrame,
    tasks: Sequence[str] | None = None,
    clock: str = "cost",
    rule: str = "recommended",
    count: int = 51,
) -> Figure:
    """Draw one panel per task, with one step curve per method.

    A cross marks the end of the longest run of a method.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        tasks: names of the tasks; by default all. Tasks whose best loss is not known are skipped.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        count: number of targets per task, evenly spaced in log regret, see
            ``analysis.statistics.regret_targets.ladder``.

    Returns:
        A figure whose data have one row per step: ``task``, ``method``, ``cost`` (in ``unit``),
        ``unit``, ``share`` (in [0, 1]). The last row of a method is its cross.

    Raises:
        ValueError: if the best loss of no task is known.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    unknown = set() if table.empty else set(table[table[f"regret_{rule}"].isna()].task)
    available = [] if table.empty else sorted(set(table.task) - unknown)
    names = [task for task in tasks or available if task in available]
    if not names:
        raise ValueError("the best loss of no task is known, so there is no regret")
    rows = table[table.task.isin(names)]
    methods, across = captions.ordered(rows.method), min(ACROSS, len(names))
    down, width = -(-len(names) // across), 1.2 + 4.2 * across
    columns = min(len(methods), max(1, int(width / (0.7 + 0.09 * max(map(len, methods))))))
    height = 1.1 + 3.3 * down + 0.25 * -(-len(methods) // columns)
    figure, grid = plt.subplots(
        down, across, figsize=(width, height), sharey=True, squeeze=False, layout="constrained"
    )
    parts = []
    for ax, task in zip(grid.flat, names, strict=False):
        here = rows[rows.task == task]
        unit, unit_name = unit_of(here)
        targets = ladder(here, rule, count)
        steps = ecdf(reached(table, task, targets, clock, rule))
        steps = steps.assign(task=task, cost=steps.cost / unit, unit=unit_name)
        parts.append(steps[["task", "method", "cost", "unit", "share"]])
        for method in methods:
            curve = steps[steps.method == method]
            if not len(curve):
                continue
            x, y = curve.cost.to_list(), curve.share.to_list()
            look = {"color": style.colour_of(method), "ls": style.dash_of(method)}
            name = style.legend_name(method)
            ax.step([x[0], *x], [0, *y], where="post", lw=2, label=name, **look)
            ax.plot(x[-1:], y[-1:], "x", color=look["color"], mew=2, markersize=7)
        ends = f"\n{len(targets)} targets, {targets[0]:.2g} to {targets[-1]:.2g}" if targets else ""
        ax.set_title(task + ends, fontsize="medium")
        ax.set(ylim=(-0.02, 1.02), xlabel=f"{captions.CLOCKS[clock]} ({unit_name})")
        ax.set_xscale("log")
        plain_log(ax.xaxis)
        ax.yaxis.set_major_formatter(PercentFormatter(1))
    for ax in grid[:, 0]:
        ax.set_ylabel("share of (run, target) pairs")
    for ax in grid.flat[len(names) :]:
        ax.set_visible(False)
    handles = {
        text: handle
        for ax in grid.flat
        for handle, text in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    shown = [name for name in map(style.legend_name, methods) if name in handles]
    figure.legend(
        [handles[name] for name in shown],
        shown,
        loc="outside lower center",
        ncols=columns,
    )
    caption = (
        "Share of the pairs of a run and a target in which the run has reached the target within a "
        "cost, and its incumbent stays there to the end of the run. Targets are evenly spaced in "
        f"log regret, down to {captions.lowest_target(rows)}. A curve further up and left is "
        "better; a cross marks the end of a method's longest run. Lowest regret of any run: "
        f"{_lowest(rows, names, rule)}. "
        + captions.basis(rows, clock, rule)
        + captions.ended_early(rows, "might have reached more targets with more trials")
    )
    return Figure(figure, pd.concat(parts, ignore_index=True), caption)


def _lowest(rows: pd.DataFrame, names: Sequence[str], rule: str) -> str:
    """Return the lowest regret on each task, as text."""
    lowest = rows.groupby("task")[f"regret_{rule}"].min()
    return ", ".join(f"{lowest[name]:.2g} on {name}" for name in names)
