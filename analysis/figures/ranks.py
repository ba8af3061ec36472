"""Average rank of methods over cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.random import Generator

from analysis.figures import captions as words
from analysis.figures import style
from analysis.figures.figure import Figure
from analysis.statistics.average_costs import RESAMPLES
from analysis.statistics.ranks import SHARES, average_ranks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BEYOND = 1.12  # times the budget, to where the last rank is drawn


def draw_ranks(
    table: pd.DataFrame,
    shares: Sequence[float] = SHARES,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
    rng: Generator | None = None,
    resamples: int = RESAMPLES,
) -> Figure:
    """Draw one step curve a method with its 95 % band; rank 1, the best, is on top.

    Args:
        table: as ``analysis.data.tidy.tidy`` makes it.
        shares: of each task's budget, rising.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: those to rank; by default all.
        rng: of the bootstrap.
        resamples: their number.

    Returns:
        Data: what ``analysis.statistics.ranks.average_ranks`` returns.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MultipleLocator, NullFormatter, PercentFormatter

    data = average_ranks(table, shares, clock, rule, methods, rng, resamples)
    figure, ax = plt.subplots(figsize=(8.5, 4.6), layout="constrained")
    ends = []
    for method in words.ordered(data.method):
        own = data[data.method == method]
        # a step's last value would be a point: it is drawn on
        own = pd.concat([own, own.tail(1).assign(share=own.share.max() * BEYOND)])
        x, colour = own.share.to_numpy(), style.colour_of(method)
        ax.step(x, own["rank"], where="post", lw=2, color=colour, ls=style.dash_of(method))
        if own.low.notna().all():
            low, high = own.low.to_numpy(dtype=float), own.high.to_numpy(dtype=float)
            ax.fill_between(x, low, high, step="post", color=colour, alpha=0.15, lw=0)
        ends.append((float(own["rank"].iloc[-1]), method, colour))
    count = max(len(ends), 2)
    ax.set(xscale="log", ylim=(count + 0.15, 0.85), ylabel="average rank (1 is best)")
    ax.set_xlabel(f"{clock}, share of the budget")
    ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.yaxis.set_major_locator(MultipleLocator(1))
    ax.margins(x=0)
    _names(ax, ends, 0.055 * count)
    if not len(data):
        ax.text(0.5, 0.5, "no task and seed that all methods have run", transform=ax.transAxes,
                ha="center")  # fmt: skip
        return Figure(figure, data, "No task and seed that all methods have run: no ranks.")
    used = set(data.method)
    rows = table[table.method.isin(used)]
    banded = bool(data.low.notna().all())
    tasks, pairs = int(data.tasks.iloc[0]), int(data.pairs.iloc[0])
    caption = (
        f"Average rank of the incumbent's regret among {len(used)} methods over {tasks} "
        f"task{'s' * (tasks != 1)} and {pairs} pairs of task and seed that all of them ran; ties, "
        "methods without an incumbent among them, share a rank. "
        + (
            "Bands: 95 % bootstrap over seeds, for these tasks only. "
            if banded
            else "No bands: one seed. "
        )
        + "Ranks say nothing of how large a difference is. "
        + words.basis(rows, clock, rule)
        + words.ended_early(rows, "keep their last incumbent to the end of the budget")
        + words.unlike_budgets(rows)
    )
    return Figure(figure, data, caption)


def _names(ax: Axes, ends: list[tuple[float, str, str]], gap: float) -> None:
    """Write each method's name at the end of its curve, moved apart where they would overlap."""
    place = -np.inf
    places = []
    for rank, method, colour in sorted(ends):
        place = max(rank, place + gap)
        places.append((place, method, colour))
    over = max([0.0, *(p - (len(ends) + 0.1) for p, _, _ in places)])
    limit = np.inf
    for place, method, colour in reversed(places):
        limit = min(place, len(ends) + 0.1 if over else np.inf, limit - gap)
        ax.annotate(
            method, (1.01, limit), xycoords=("axes fraction", "data"), color=colour, va="center",
            fontsize="small",
        )  # fmt: skip
