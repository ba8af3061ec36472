"""Draw the matrix of pairwise wins."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.figures import captions, style
from analysis.figures.figure import Figure
from analysis.statistics.ranks import wins

COLOURS = "PuOr"  # safe for colour-blind readers; white in the middle


def draw_wins(
    table: pd.DataFrame,
    share: float = 1.0,
    clock: str = "cost",
    rule: str = "recommended",
    methods: Sequence[str] | None = None,
) -> Figure:
    """Draw the share of tasks and seeds on which the method of the row beats that of the column.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        share: share of the budget at which regrets are compared, in (0, 1].
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        methods: methods to compare; by default all.

    Returns:
        A figure whose data are the result of ``analysis.statistics.ranks.wins``, sorted so that the
        method with the most wins comes first.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import PercentFormatter

    pairs = wins(table, share, clock, rule, methods)
    means = pairs.groupby("method").wins.mean().sort_values(ascending=False, kind="stable")
    names = list(means.index)
    wide = captions.extra_width(names)
    size = 2.6 + 0.75 * max(len(names), 2)
    figure, ax = plt.subplots(figsize=(size + 1.2 + wide, size + 0.6 * wide), layout="constrained")
    if not names:
        none = "there are no two methods on a common task and seed"
        message = f"Nothing to compare: {captions.not_compared(table, rule, none)}"
        ax.text(0.5, 0.5, message, transform=ax.transAxes, ha="center", wrap=True)
        ax.set_axis_off()
        return Figure(figure, pairs, f"{message}.")
    order = {name: index for index, name in enumerate(names)}
    data = pairs.assign(row=pairs.method.map(order), column=pairs.rival.map(order))
    data = data.sort_values(["row", "column"], ignore_index=True)
    shares = np.full((len(names), len(names)), np.nan)
    shares[data.row, data.column] = data.wins
    image = ax.imshow(shares, cmap=COLOURS, vmin=0, vmax=1)
    for cell in data.itertuples():
        dark = abs(cell.wins - 0.5) > 0.35
        text = f"{cell.wins:.0%}\nof {cell.pairs}"
        ax.text(cell.column, cell.row, text, ha="center", va="center", fontsize="x-small",
                color="white" if dark else "black")  # fmt: skip
    ax.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(names)), names)
    ax.grid(visible=False)
    ax.set(xlabel="... than this method", ylabel="this method has lower regret ...")
    bar = figure.colorbar(image, ax=ax, shrink=0.8, format=PercentFormatter(1))
    bar.set_label("share of pairs won; a tie counts half")
    rows = table[table.method.isin(names)]
    caption = (
        "Share of pairs of task and seed in which the method of the row has a lower regret than "
        f"that of the column, at {share:.0%} of the budget, and the number of pairs that both ran. "
        "A tie counts as half a win. The method with the most wins is on top. "
        + captions.basis(rows, clock, rule)
        + captions.ended_early(rows, "keep their last incumbent to that point")
        + captions.unlike_budgets(rows)
    )
    return Figure(figure, data.drop(columns=["row", "column"]), caption)
