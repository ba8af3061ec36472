"""Draw the critical-difference diagram (Demsar, JMLR 7, 2006, Figure 1), with its limitations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.figures import captions, style
from analysis.figures.figure import Figure
from analysis.statistics.ranks import Friedman, critical_difference, friedman, task_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ENOUGH = (
    5  # tasks below which a warning is shown; Demsar recommends more than 10 for Friedman's test
)
ROW, DROP = 0.32, 0.16  # height of a name and distance between bars, in units of the y axis
WARNING = "#8a3b00"


def draw_critical_difference(
    table: pd.DataFrame,
    share: float = 1.0,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
    alpha: float = 0.05,
) -> Figure:
    """Draw the average ranks over tasks; bars join methods that do not differ significantly.

    Nemenyi's test decides which methods differ. The figure shows a warning if there are fewer than
    ``ENOUGH`` tasks, or if Friedman's test finds no difference between the methods.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        share: share of the budget at which median regrets over seeds are ranked.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: methods to compare; by default all.
        alpha: significance level of both tests, in (0, 1).

    Returns:
        A figure whose data have one row per method, best first: ``method``, ``rank``, ``group``
        (letters of its bars), ``tasks`` (their number), ``critical_difference`` (in ranks) and
        ``p`` (p-value of Friedman's test with the correction of Iman and Davenport).
    """
    style.use()
    import matplotlib.pyplot as plt

    ranks = task_ranks(table, share, clock, rule, methods)
    n, k = ranks.shape
    if not n or k < 2:
        figure, ax = plt.subplots(figsize=(8, 2), layout="constrained")
        none = "there are fewer than two methods on a common task"
        message = f"Nothing to compare: {captions.not_compared(table, rule, none)}"
        ax.text(0.5, 0.5, message, transform=ax.transAxes, ha="center", color=WARNING,
                wrap=True)  # fmt: skip
        ax.set_axis_off()
        return Figure(figure, pd.DataFrame(columns=["method", "rank"]), f"{message}.")
    test, gap = friedman(ranks.to_numpy()), critical_difference(k, n, alpha)
    averages = pd.Series(test.ranks, index=ranks.columns).sort_values(kind="stable")
    bars = _bars(averages.to_list(), gap)
    letters = [
        "".join(chr(97 + b) for b, (i, j) in enumerate(bars) if i <= m <= j) for m in range(k)
    ]
    data = pd.DataFrame({"method": averages.index, "rank": averages.to_numpy(), "group": letters})
    data = data.assign(tasks=n, critical_difference=gap, p=test.p)
    doubts = _doubts(test, alpha)
    height = 1.6 + 0.45 * ((k + 1) // 2) + 0.2 * len(bars) + 0.28 * len(doubts)
    figure, ax = plt.subplots(figsize=(8.5, height), layout="constrained")
    _axis(ax, k, gap)
    _methods(ax, averages, bars)
    for line, text in enumerate(doubts):
        ax.annotate(text, (0.5, 0), xycoords="axes fraction", xytext=(0, -6 - 17 * line),
                    textcoords="offset points", ha="center", va="top", color=WARNING,
                    weight="bold", fontsize="small")  # fmt: skip
    rows = table[table.method.isin(ranks.columns) & table.task.isin(ranks.index)]
    caption = (
        f"Average rank of the median regret at {share:.0%} of the budget over {n} "
        f"task{'s' * (n != 1)} ({', '.join(ranks.index)}). A bar joins methods whose ranks do "
        f"not differ significantly (Nemenyi's test; critical difference {gap:.2f} ranks at a "
        f"level of {alpha:.0%}). "
        + (
            ""
            if np.isnan(test.p)
            else "Friedman's test with the correction of Iman and Davenport: "
            f"F = {test.f:.3g}, p = {test.p:.2g}. "
        )
        + "".join(f"{text}. " for text in doubts)
        + captions.basis(rows, clock, rule)
        + captions.ended_early(rows, "keep their last incumbent to that point")
        + captions.unlike_budgets(rows)
    )
    return Figure(figure, data, caption)


def _doubts(test: Friedman, alpha: float) -> list[str]:
    """Return the warnings that the figure shows."""
    doubts = []
    if test.tasks < ENOUGH:
        few = f"Only {test.tasks} task{'s' * (test.tasks != 1)}"
        doubts.append(f"{few}: too few for these tests to mean anything")
    if not test.p < alpha:  # also if p is NaN
        result = (
            "cannot be computed" if np.isnan(test.p) else f"finds no difference (p = {test.p:.2g})"
        )
        doubts.append(f"Friedman's test {result}, so the bars mean nothing")
    return doubts


def _bars(ranks: list[float], gap: float) -> list[tuple[int, int]]:
    """Return the first and last index of each maximal group of methods within one gap.

    Args:
        ranks: average ranks, rising.
        gap: critical difference.
    """
    bars: list[tuple[int, int]] = []
    for first in range(len(ranks)):
        last = max(j for j in range(first, len(ranks)) if ranks[j] - ranks[first] <= gap)
        if last > first and (not bars or last > bars[-1][1]):
            bars.append((first, last))
    return bars


def _axis(ax: Axes, k: int, gap: float) -> None:
    ax.set_axis_off()
    margin = 0.45 * (k - 1)
    ax.set_xlim(1 - margin, k + margin)
    ax.plot([1, k], [0, 0], color="0.2", lw=1.5)
    for tick in range(1, k + 1):
        ax.plot([tick, tick], [0, 0.07], color="0.2", lw=1.5)
        ax.text(tick, 0.1, str(tick), ha="center", va="bottom", fontsize="small")
    ax.text(1 - 0.04 * (k - 1), 0, "average rank\n(1 is best)", ha="right", va="center",
            fontsize="small", color="0.3")  # fmt: skip
    # with few tasks, the critical difference may exceed the scale
    end = min(1 + gap, k + margin)
    ax.plot([1, end], [0.5, 0.5], color="0.2", lw=1.5)
    for x in (1.0, 1 + gap):
        if x <= end:
            ax.plot([x, x], [0.45, 0.55], color="0.2", lw=1.5)
    ax.text(1, 0.6, f"critical difference {gap:.2f} ranks", ha="left", va="bottom",
            fontsize="small")  # fmt: skip


def _methods(ax: Axes, averages: pd.Series, bars: list[tuple[int, int]]) -> None:
    k = len(averages)
    ranks, names, half = averages.to_list(), list(averages.index), (k + 1) // 2
    for level, (first, last) in enumerate(bars):
        y = -DROP * (level + 1)
        ax.plot([ranks[first] - 0.03, ranks[last] + 0.03], [y, y], color="0.2", lw=4)
    top = -DROP * (len(bars) + 1) - 0.1
    for index, (name, rank) in enumerate(zip(names, ranks, strict=True)):
        left = index < half
        y = top - ROW * (index if left else k - 1 - index)
        x = 1 - 0.04 * (k - 1) if left else k + 0.04 * (k - 1)
        colour = style.colour_of(name)
        ax.plot([rank, rank, x], [0, y, y], color=colour, lw=1.5)
        text = f"{name}  {rank:.2f}" if left else f"{rank:.2f}  {name}"
        ax.text(x, y, f" {text} ", ha="right" if left else "left", va="center", fontsize="small")
    ax.set_ylim(top - ROW * (half - 0.5), 0.85)
