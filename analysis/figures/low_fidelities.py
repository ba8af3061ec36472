"""Draw losses at low fidelities against losses at the target: how biased cheap trainings are."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import seaborn as sns

from analysis.figures import style

GREY = "#8a8a8a"
MARGIN = 0.05
"""share of the axes that is free on each side"""


def draw_low_fidelities(data: Path, path: Path, *, kind_of_loss: str = "error") -> Path:
    """Draw one panel per fidelity: a dot per config, and the line on which both losses are equal.

    Args:
        data: CSV file with the columns ``fidelity`` (in words), ``loss`` and ``target`` (losses at
            this fidelity and at the target, above 0); rows of one fidelity follow each other.
        path: file to write; its suffix determines the format.
        kind_of_loss: ``error``, for error rates, or ``loss``.

    Returns:
        ``path``.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator

    groups: dict[str, list[tuple[float, float]]] = {}
    with data.open(newline="") as file:
        for row in csv.DictReader(file):
            groups.setdefault(row["fidelity"], []).append(
                (float(row["target"]), float(row["loss"]))
            )
    values = np.array([pair for pairs in groups.values() for pair in pairs])
    low, high = values.min(), values.max()
    # a log scale over less than a factor of four would have one label or none
    scale = "log" if high / low > 4 else "linear"
    margin = (high / low) ** MARGIN if scale == "log" else MARGIN * (high - low)
    ends = np.array(
        [low / margin, high * margin] if scale == "log" else [low - margin, high + margin]
    )
    subs = (1, 2, 5) if high / low > 20 else (1, 1.5, 2, 3, 4, 5, 7)
    colour = sns.color_palette("colorblind")[0]
    figure, panels = plt.subplots(
        1, len(groups), figsize=(4.8 * len(groups), 4.6), layout="constrained", squeeze=False,
        sharex=True, sharey=True,
    )  # fmt: skip
    for ax, (fidelity, pairs) in zip(panels[0], groups.items(), strict=True):
        x, y = np.array(pairs).T
        ax.plot(ends, ends, color=GREY, lw=1, zorder=0)
        ax.plot(x, y, "o", color=colour, mfc="none", mew=0.8, markersize=4, alpha=0.7)
        ax.set(xscale=scale, yscale=scale, xlim=ends, ylim=ends, title=fidelity)
        ax.set(xlabel=f"validation {kind_of_loss}, full training")
        ax.set_aspect("equal")
        for axis in (ax.xaxis, ax.yaxis):
            few = MaxNLocator(5) if scale == "linear" else LogLocator(subs=subs)
            axis.set_major_locator(few)
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))
    panels[0][0].set(ylabel=f"validation {kind_of_loss}, low fidelity")
    figure.savefig(path)
    plt.close(figure)
    return path
