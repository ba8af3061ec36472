"""Draw the average cost to reach regret targets (aRT), with intervals and success counts.

Follows COCO (arXiv:1605.03560, section "Averaging Runtime"); ``analysis.statistics.average_costs``
defines the quantities and their bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.random import Generator

from analysis.figures import captions, style
from analysis.figures.figure import Figure
from analysis.figures.scales import plain_log
from analysis.statistics.average_costs import RESAMPLES, average_costs
from analysis.statistics.regret_targets import (
    account_of,
    candidates,
    reached,
    rows_of,
    shown_targets,
    unit_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure


def draw_cost_to_target(
    table: pd.DataFrame,
    task: str,
    targets: Sequence[float] | None = None,
    clock: str = "cost",
    rule: str = "recommended",
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> Figure:
    """Draw one panel per target, with one line per method.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        targets: regrets, of which those below ``lowest_target`` of
            ``analysis.statistics.regret_targets`` are left out; by default ``shown_targets``.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        rng: random generator of the bootstrap; by default one with a fixed seed.
        resamples: number of bootstrap resamples.

    Returns:
        A figure whose data have one row per method and target: ``method``, ``target``, ``cost``
        (aRT, delivered where that is known, or, where ``bound`` is True, a lower bound), ``low``
        and ``high`` (95 % confidence interval; NaN where not drawn, infinite beyond the axis),
        ``found`` (aRT until the recommendation is good; NaN where fewer than half of the runs are
        there), ``bound``, ``successes``, ``runs``,
        ``share`` (successes per run) and ``unit`` (of the costs).

    Raises:
        ValueError: if the task has no rows, or if the regret by this rule is not known.
    """
    rows = rows_of(table, task, rule)
    unit, unit_name = unit_of(rows)
    requested = shown_targets(table, task, clock, rule) if targets is None else targets
    account = account_of(rows, rule)
    runs = reached(table, task, requested, clock, rule, account)
    found = reached(table, task, requested, clock, rule)
    touches = average_costs(found, resamples=1) if len(found) else found
    data = _data(average_costs(runs, rng, resamples), touches, unit).assign(unit=unit_name)
    kept = sorted(set(data.target), reverse=True)
    label = f"average {captions.CLOCKS[clock]} to the target ({unit_name})"
    figure = _figure(
        data, captions.ordered(rows.method), kept, label, task, captions.regret_name(rows)
    )
    caption = (
        f"Average cost (aRT) on {task} to reach a regret and stay there: the cost of all runs, "
        "divided by the number of runs whose incumbent reached the target and stayed there to the "
        "end (beside each panel). Bars: 95 % bootstrap intervals over runs; a single run has none. "
        "Open marker with an arrow: fewer than half of the runs stayed there, so the average cost "
        "is above the marker; not reached: none did. Ticks: the same until the recommendation is "
        "good, trained at the target or not (found). "
        + captions.basis(rows, clock, rule)
        + captions.account(rows, account)
        + captions.ended_early(rows, "count with all their cost if they did not reach the target")
    )
    if targets is None:
        listed = ", ".join(f"{target:g}" for target in candidates(rows, rule))
        caption += (
            f" Shown of {listed}: the three lowest targets that half of some "
            "method's runs reached; if there are fewer, also the next lower one."
        )
    omitted = sorted(set(map(float, requested)) - set(kept), reverse=True)
    if omitted:
        caption += (
            " Left out, because they are below three validation examples or the replay's error: "
            f"{', '.join(map(str, omitted))}."
        )
    return Figure(figure, data, caption)


def _data(costs: pd.DataFrame, touches: pd.DataFrame, unit: float) -> pd.DataFrame:
    names = [
        "method", "target", "cost", "low", "high", "found", "bound", "successes", "runs",
        "share",
    ]  # fmt: skip
    if not len(costs):
        return pd.DataFrame(columns=names)
    cost = np.where(costs.bound, costs.at_least, costs.art) / unit
    ends = {name: np.where(costs.bound, np.nan, costs[name] / unit) for name in ("low", "high")}
    first = np.where(touches.bound, np.nan, touches.art / unit)
    return costs.assign(cost=cost, found=first, **ends)[names]


def _figure(
    data: pd.DataFrame, methods: list[str], targets: list[float], label: str, task: str, what: str
) -> MatplotlibFigure:
    style.use()
    import matplotlib.pyplot as plt

    count = max(len(targets), 1)
    size = (2.2 + 3.8 * count + captions.extra_width(methods), 1.8 + 0.42 * max(len(methods), 3))
    figure, grid = plt.subplots(
        1, count, figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    axes: list[Axes] = list(grid[0])
    values = data[["cost", "low", "high", "found"]].to_numpy(dtype=float)
    values = values[np.isfinite(values) & (values > 0)]
    if values.size:
        # leave room for arrows on the right
        axes[0].set_xlim(values.min() / 1.6, values.max() * 2.5)
    axes[0].set_ylim(len(methods) - 0.5, -0.5)
    axes[0].set_yticks(range(len(methods)), methods)
    for ax, target in zip(axes, targets, strict=False):
        ax.set_title(f"{what} ≤ {target:g}", fontsize="medium")
        for row in data[data.target == target].itertuples():
            _mark(ax, row, methods.index(row.method))
        ax.annotate(
            "reached", (1.02, 1.0), xycoords="axes fraction", xytext=(0, 5),
            textcoords="offset points", fontsize="small", color="0.35",
        )  # fmt: skip
    for ax in axes:
        ax.set_xscale("log")
        plain_log(ax.xaxis)
    if not targets:
        axes[0].text(0.5, 0.5, "no target to show", transform=axes[0].transAxes, ha="center")
    figure.supxlabel(label, fontsize="medium")
    figure.suptitle(f"cost to target on {task}")
    return figure


def _mark(ax: Axes, row: Any, y: int) -> None:
    """Draw the cost of one method, a row of the data, at a height of the panel."""
    colour = style.colour_of(row.method)
    if not row.successes:  # how much it would cost is not known at all
        ax.annotate(
            "not reached", (0.98, y), xycoords=("axes fraction", "data"), ha="right", va="center",
            fontsize="small", color=colour,
        )  # fmt: skip
        ax.annotate(
            f"0/{row.runs}", (1.02, y), xycoords=("axes fraction", "data"), va="center",
            fontsize="small",
        )  # fmt: skip
        return
    if row.bound:
        ax.annotate(
            "", (row.cost, y), xytext=(30, 0), textcoords="offset points",
            arrowprops={"arrowstyle": "<-", "color": colour, "lw": 1.5, "shrinkA": 0, "shrinkB": 4},
        )  # fmt: skip
    elif np.isfinite(row.low):
        end = min(row.high, ax.get_xlim()[1])
        ax.plot([row.low, end], [y, y], color=colour, lw=2, solid_capstyle="butt")
        if np.isinf(row.high):
            ax.plot([end], [y], ">", color=colour, clip_on=False, markersize=6)
    ax.plot([row.found], [y], "|", color=colour, mew=2, markersize=11)
    fill = "white" if row.bound else colour
    ax.plot([row.cost], [y], "o", color=colour, mfc=fill, mew=1.8, markersize=7)
    ax.annotate(
        f"{row.successes}/{row.runs}", (1.02, y), xycoords=("axes fraction", "data"),
        va="center", fontsize="small",
    )  # fmt: skip
