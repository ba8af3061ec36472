"""Draw the average ranks of methods along the cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.random import Generator

from analysis.figures import captions, style
from analysis.figures.figure import Figure
from analysis.statistics.average_costs import RESAMPLES
from analysis.statistics.ranks import SHARES, average_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEYOND = 1.12  # the last rank is extended to this multiple of the budget


def draw_ranks(
    table: pd.DataFrame,
    shares: Sequence[float] = SHARES,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> Figure:
    """Draw one step curve per method with its 95 % band; the best rank, 1, is at the top.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        shares: shares of the budget of each task, rising.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: methods to rank; by default all.
        rng: random generator of the bootstrap; by default one with a fixed seed.
        resamples: number of bootstrap resamples.

    Returns:
        A figure whose data are the result of ``analysis.statistics.ranks.average_ranks``.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MultipleLocator, NullFormatter, PercentFormatter

    data = average_ranks(table, shares, clock, rule, methods, rng, resamples)
    figure, ax = plt.subplots(figsize=(8.5, 4.6), layout="constrained")
    ends = []
    for method in captions.ordered(data.method):
        curve = data[data.method == method]
        # the last value of a step curve is a point: extend it beyond the budget
        curve = pd.concat([curve, curve.tail(1).assign(share=curve.share.max() * BEYOND)])
        x, colour = curve.share.to_numpy(), style.colour_of(method)
        ax.step(x, curve["rank"], where="post", lw=2, color=colour, ls=style.dash_of(method))
        if curve.low.notna().all():
            low, high = curve.low.to_numpy(dtype=float), curve.high.to_numpy(dtype=float)
            ax.fill_between(x, low, high, step="post", color=colour, alpha=0.15, lw=0)
        ends.append((float(curve["rank"].iloc[-1]), method, colour))
    count = max(len(ends), 2)
    ax.set(xscale="log", ylim=(count + 0.15, 0.85), ylabel="average rank (1 is best)")
    ax.set_xlabel(f"{captions.CLOCKS[clock]}, share of the budget")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_locator(MultipleLocator(1))
    ax.margins(x=0)
    _names(ax, ends, 0.055 * count)
    if not len(data):
        none = "there is no task and seed that all methods have run"
        why = captions.not_compared(table, rule, none)
        ax.text(0.5, 0.5, why, transform=ax.transAxes, ha="center", wrap=True)
        return Figure(figure, data, f"No ranks: {why}.")
    used = set(data.method)
    rows = table[table.method.isin(used)]
    banded = bool(data.low.notna().all())
    tasks, pairs = int(data.tasks.iloc[0]), int(data.pairs.iloc[0])
    caption = (
        f"Average rank of the incumbent's regret among {len(used)} methods over {tasks} "
        f"task{'s' * (tasks != 1)} and {pairs} pairs of task and seed that all of them ran. "
        "Methods with the same regret, or without an incumbent, share a rank. "
        + (
            "Bands: 95 % bootstrap intervals over seeds, for these tasks only. "
            if banded
            else "There are no bands, because there is one seed. "
        )
        + "Ranks do not say how large the differences are. "
        + captions.basis(rows, clock, rule)
        + captions.ended_early(rows, "keep their last incumbent to the end of the budget")
        + captions.unlike_budgets(rows)
    )
    return Figure(figure, data, caption)


def _names(ax: Axes, ends: list[tuple[float, str, str]], gap: float) -> None:
    """Write the name of each method at the end of its curve; shift names that would overlap."""
    y = -np.inf
    labels = []
    for rank, method, colour in sorted(ends):
        y = max(rank, y + gap)
        labels.append((y, method, colour))
    over = max([0.0, *(y - (len(ends) + 0.1) for y, _, _ in labels)])
    limit = np.inf
    for y, method, colour in reversed(labels):
        limit = min(y, len(ends) + 0.1 if over else np.inf, limit - gap)
        ax.annotate(
            method, (1.01, limit), xycoords=("axes fraction", "data"), color=colour, va="center",
            fontsize="small",
        )  # fmt: skip
