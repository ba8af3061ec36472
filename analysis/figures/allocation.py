"""Draw which fidelities each method evaluated, and the losses.

Compare slide 29 of the SigOpt talk (GTC 2019, S9313).
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.figures import style
from analysis.figures.captions import ordered, seeds_of
from analysis.figures.figure import Figure
from analysis.figures.median_run import median_seed
from analysis.figures.scales import plain_log, scale_of

if TYPE_CHECKING:  # slow to import
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize

READINGS = 80  # points at which the shares of a run are drawn, at most; more look the same
MOST = 8  # distinct fidelities that get a bin each; more are grouped into powers of two


def draw_allocation(table: pd.DataFrame, task: str, seed: int | None = None) -> Figure:
    """Draw one run per method, in a column of three panels that share the cost axis.

    The upper panel stacks the shares of the cost so far by fidelity, at no more than ``READINGS``
    trials. Its bins are the distinct fidelities of all runs drawn if there are at most ``MOST`` of
    them, else powers of two (from 1/4 to below 1/2, and so on). The middle panel shows each trial,
    coloured by its loss, or hollow if it failed. The lower panel shows the lowest loss observed so
    far at the target fidelity.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        seed: seed of the runs; by default that of each method's median run by final regret (see
            ``analysis.figures.median_run.median_seed``).

    Returns:
        A figure with the data columns ``panel`` (``share``, ``trial`` or ``best``), ``method``,
        ``seed``, ``trial``, ``total_cost`` (seconds, at the end of the trial), ``fidelity`` (of
        the trial; in the panel ``share``, the lower limit of the bin) and ``value`` (share of the
        cost; loss of the trial, NaN if it failed; lowest loss so far).

    Raises:
        ValueError: if the table has no trials of the task, or none with this seed.
    """
    rows = table[table["task"] == task]
    if seed is not None:
        rows = rows[rows["seed"] == seed]
    if rows.empty:
        raise ValueError(f"no trials on {task}" + ("" if seed is None else f" with seed {seed}"))
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    runs = {
        method: trials[trials["seed"] == (median_seed(trials) if seed is None else seed)]
        for method in ordered(rows["method"])
        for trials in [rows[rows["method"] == method]]
    }
    bins = _bins(np.concatenate([run["fidelity"].to_numpy() for run in runs.values()]))
    data = pd.concat(
        [marks for run in runs.values() for marks in _marks(run, bins)], ignore_index=True
    )
    losses = data.loc[data["panel"] == "trial", "value"].dropna()
    log = len(losses) > 0 and 0 < losses.min() < losses.max()
    norm = Normalize(0, 1)
    if len(losses):
        norm = (LogNorm if log else Normalize)(losses.min(), losses.max())

    figure, panels = plt.subplots(
        3, len(runs), figsize=(max(2.5 * len(runs) + 2.2, 6.4), 8), sharex=True, sharey="row",
        squeeze=False, layout="constrained", height_ratios=[1, 1.3, 1],
    )  # fmt: skip
    for column, (method, run) in zip(panels.T, runs.items(), strict=True):
        marks = data[data["method"] == method]
        _shares(column[0], marks[marks["panel"] == "share"], bins)
        _trials(column[1], marks[marks["panel"] == "trial"], norm)
        best = marks[marks["panel"] == "best"]
        column[2].step(
            best["total_cost"], best["value"], "o-", where="post", markersize=3,
            color=style.colour_of(method),
        )  # fmt: skip
        if best.empty:
            column[2].text(0.5, 0.5, "no trial", transform=column[2].transAxes, ha="center")
        name = method.replace(
            ",", ",\n"
        )  # keeps long names of variants from overlapping the next title
        column[0].set_title(f"{name}\nseed {run['seed'].iloc[0]}", fontsize="medium")
    first = panels[:, 0]
    first[0].set(ylabel="share of cost so far", ylim=(0, 1))
    first[1].set(ylabel="fidelity", yscale=_scale(rows["fidelity"].to_numpy()))
    first[2].set(ylabel="lowest loss\nseen at the target")
    lowest = data.loc[data["panel"] == "best", "value"].to_numpy()
    first[2].set_yscale("log" if lowest.size and lowest.min() > 0 else "linear")
    first[0].set_xscale(scale_of(data["total_cost"].to_numpy()))
    for axis in (first[0].xaxis, first[1].yaxis, first[2].yaxis):
        if axis.get_scale() == "log":
            plain_log(axis)
    figure.supxlabel("evaluation cost so far (s)", fontsize="medium")
    figure.legend(
        *first[0].get_legend_handles_labels(), loc="outside right upper", fontsize="small",
        title="fidelity", reverse=True,
    )  # fmt: skip
    bar = figure.colorbar(
        ScalarMappable(norm, "viridis"), ax=panels[1:].ravel().tolist(), label="loss of the trial",
        pad=0.01,
    )  # fmt: skip
    if log:
        plain_log(bar.ax.yaxis)
    figure.suptitle(task)
    which = f"the one with seed {seed}"
    if seed is None:
        which = "the one with the median final regret"
    every = table[table["task"] == task]
    highest = every.groupby(["method", "seed"])["fidelity"].max()
    full = (highest > 1 - 1e-9).groupby("method").agg(["sum", "size"])
    seldom = [
        f"{name} {reached} of {count}"
        for name, reached, count in full.loc[list(runs)].itertuples()
        if reached < count
    ]
    caption = (
        f"How methods spent the budget on {task}, against evaluation cost. Above: share of the "
        "cost so far by fidelity. Middle: fidelity and loss of every trial; hollow ones failed. "
        "Below: lowest loss seen at the target (rule best_at_target). One run per method, "
        f"{which}, of {seeds_of(every)}."
    )
    if seldom:
        caption += f" Runs with a trial at the target: {', '.join(seldom)}; of other methods, all."
    return Figure(figure, data, caption)


def _bins(fidelities: Array) -> Mapping[float, str]:
    """Return the name of each bin by its lower limit, rising."""
    distinct = np.unique(np.round(fidelities, 12))
    if len(distinct) <= MOST:
        return {float(share): _fraction(share) for share in distinct}
    powers = np.unique(np.floor(np.log2(distinct)))
    return {
        float(2**power): "1"
        if power == 0
        else f"{_fraction(2**power)} to {_fraction(2 * 2**power)}"
        for power in powers
    }


def _fraction(share: float) -> str:
    near = Fraction(float(share)).limit_denominator(100_000)
    return str(near) if near.numerator == 1 else f"{share:.3g}"


def _marks(run: pd.DataFrame, bins: Mapping[float, str]) -> list[pd.DataFrame]:
    """Return the data of one run: one table per panel; for the shares, one table per bin."""
    edges = np.array(list(bins))
    bin_index = np.searchsorted(edges, np.round(run["fidelity"], 12), side="right") - 1
    base = run[["method", "seed", "trial", "total_cost", "fidelity"]]
    spent = run["cost"].to_numpy().cumsum()
    kept = _readings(run["total_cost"].to_numpy(dtype=float))
    tables = [
        base.assign(
            panel="share",
            fidelity=edge,
            value=np.where(bin_index == number, run["cost"], 0).cumsum()
            / np.where(spent, spent, 1),
        ).iloc[kept]
        for number, edge in enumerate(edges)
    ]
    tables.append(base.assign(panel="trial", value=run["loss"]))
    full = (run["fidelity"] > 1 - 1e-9) & run["loss"].notna()
    tables.append(base[full].assign(panel="best", value=run.loc[full, "loss"].cummin()))
    order = ["panel", "method", "seed", "trial", "total_cost", "fidelity", "value"]
    return [table[order] for table in tables]


def _readings(costs: Array) -> list[int]:
    """Return the indices of the trials whose shares are drawn: all, or about ``READINGS``."""
    if len(costs) <= READINGS:
        return list(range(len(costs)))
    spread = np.geomspace if costs[0] > 0 else np.linspace
    indices = np.searchsorted(costs, spread(costs[0], costs[-1], READINGS))
    return sorted({0, len(costs) - 1, *(int(i) for i in indices if i < len(costs))})


def _shares(ax: Axes, marks: pd.DataFrame, bins: Mapping[float, str]) -> None:
    import seaborn as sns

    shades = sns.color_palette("rocket_r", len(bins))
    below = np.zeros(marks["trial"].nunique() + 1)
    for (edge, name), shade in zip(bins.items(), shades, strict=True):
        of_bin = marks[marks["fidelity"] == edge]
        # a step lasts until the next trial ends; give the last one a visible width
        x = np.append(of_bin["total_cost"], of_bin["total_cost"].iloc[-1] * 1.03)
        above = below + np.append(of_bin["value"], of_bin["value"].iloc[-1])
        ax.fill_between(x, below, above, step="post", color=shade, linewidth=0, label=name)
        below = above


def _trials(ax: Axes, marks: pd.DataFrame, norm: Normalize) -> None:
    done = marks["value"].notna()
    at = marks["total_cost"], marks["fidelity"]
    ax.scatter(
        at[0][done], at[1][done], c=marks["value"][done], norm=norm, cmap="viridis", s=16,
        edgecolors="black", linewidths=0.2,
    )  # fmt: skip
    ax.scatter(at[0][~done], at[1][~done], s=16, facecolors="none", edgecolors="black")


def _scale(fidelities: Array) -> str:
    """Return the scale of the fidelity axis: ``log`` if fidelities go down to 0.1 or below."""
    return "log" if fidelities.min() <= 0.1 else "linear"
