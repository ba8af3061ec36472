"""Which fidelities each method bought, and what it saw: slide 29 of the talk."""

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

READINGS = 80  # of the shares of a run, at most: more cannot be told apart
MOST = 8  # distinct fidelities that are shown one by one


def draw_allocation(table: pd.DataFrame, task: str, seed: int | None = None) -> Figure:
    """Draw one run a method, in a column of three panels that share the cost axis.

    Above: share of the cost so far by fidelity, stacked, at ``READINGS`` trials of a longer run;
    its bins are the distinct fidelities of all runs drawn if there are at most ``MOST``, else
    powers of two: from 1/4 to below 1/2, and so on. Middle: every trial, coloured by loss; hollow
    where it failed. Below: lowest loss seen at the target so far.

    Args:
        table: see ``analysis.data.tidy.tidy``.
        task: its name in the table.
        seed: of the runs; without it each method's median run by final regret of the recommended
            config (see ``analysis.figures.median_run.median_seed``).

    Returns:
        Data: ``panel`` (``share``, ``trial``, ``best``), ``method``, ``seed``, ``trial``,
        ``total_cost`` (seconds, at the end of the trial), ``fidelity`` (of the trial; for
        ``share`` the lower end of the bin), ``value`` (share of cost; loss of the trial, NaN where
        it failed; lowest loss).

    Raises:
        ValueError: no such task, or no run with that seed.
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
        method: of[of["seed"] == (median_seed(of) if seed is None else seed)]
        for method in ordered(rows["method"])
        for of in [rows[rows["method"] == method]]
    }
    bins = _bins(np.concatenate([run["fidelity"].to_numpy() for run in runs.values()]))
    data = pd.concat(
        [marks for run in runs.values() for marks in _marks(run, bins)], ignore_index=True
    )
    seen = data.loc[data["panel"] == "trial", "value"].dropna()
    log = len(seen) > 0 and seen.min() > 0 and seen.min() < seen.max()
    norm = (LogNorm if log else Normalize)(seen.min(), seen.max()) if len(seen) else Normalize(0, 1)

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
            column[2].text(0.5, 0.5, "none", transform=column[2].transAxes, ha="center")
        name = method.replace(",", ",\n")  # overridden options would run into the next title
        column[0].set_title(f"{name}\nseed {run['seed'].iloc[0]}", fontsize="medium")
    first = panels[:, 0]
    first[0].set(ylabel="share of cost so far", ylim=(0, 1))
    first[1].set(ylabel="fidelity (share)", yscale=_scale(rows["fidelity"].to_numpy()))
    first[2].set(ylabel="lowest loss\nseen at the target")
    found = data.loc[data["panel"] == "best", "value"].to_numpy()
    first[2].set_yscale("log" if found.size and found.min() > 0 else "linear")
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
    which = f"that with seed {seed}"
    if seed is None:
        which = "the median one by final regret"
    every = table[table["task"] == task]
    highest = every.groupby(["method", "seed"])["fidelity"].max()
    full = (highest > 1 - 1e-9).groupby("method").agg(["sum", "size"])
    seldom = [
        f"{name} {there} of {ran}"
        for name, there, ran in full.loc[list(runs)].itertuples()
        if there < ran
    ]
    caption = (
        f"What methods bought on {task}, against evaluation cost: share of the cost by fidelity, "
        "every trial, and the lowest loss seen at the target (rule best_at_target). One run a "
        f"method, {which}, of {seeds_of(every)}."
    )
    if seldom:
        caption += f" Runs that trained at the target at all: {', '.join(seldom)}; of others all."
    return Figure(figure, data, caption)


def _bins(fidelities: Array) -> Mapping[float, str]:
    """Lower ends of the bins, rising, and their names."""
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
    """What is drawn of one run, a table a panel and, for the shares, a table a bin."""
    edges = np.array(list(bins))
    place = np.searchsorted(edges, np.round(run["fidelity"], 12), side="right") - 1
    base = run[["method", "seed", "trial", "total_cost", "fidelity"]]
    spent = run["cost"].to_numpy().cumsum()
    kept = _readings(run["total_cost"].to_numpy(dtype=float))
    tables = [
        base.assign(
            panel="share",
            fidelity=edge,
            value=np.where(place == number, run["cost"], 0).cumsum() / np.where(spent, spent, 1),
        ).iloc[kept]
        for number, edge in enumerate(edges)
    ]
    tables.append(base.assign(panel="trial", value=run["loss"]))
    full = (run["fidelity"] > 1 - 1e-9) & run["loss"].notna()
    tables.append(base[full].assign(panel="best", value=run.loc[full, "loss"].cummin()))
    order = ["panel", "method", "seed", "trial", "total_cost", "fidelity", "value"]
    return [table[order] for table in tables]


def _readings(costs: Array) -> list[int]:
    """Places of the trials whose shares are drawn: all, or ``READINGS`` evenly spread."""
    if len(costs) <= READINGS:
        return list(range(len(costs)))
    spread = np.geomspace if costs[0] > 0 else np.linspace
    places = np.searchsorted(costs, spread(costs[0], costs[-1], READINGS))
    return sorted({0, len(costs) - 1, *(int(p) for p in places if p < len(costs))})


def _shares(ax: Axes, marks: pd.DataFrame, bins: Mapping[float, str]) -> None:
    import seaborn as sns

    shades = sns.color_palette("rocket_r", len(bins))
    below = np.zeros(marks["trial"].nunique() + 1)
    for (edge, name), shade in zip(bins.items(), shades, strict=True):
        one = marks[marks["fidelity"] == edge]
        # a step holds until the next trial ends: the last one gets a width that can be seen
        x = np.append(one["total_cost"], one["total_cost"].iloc[-1] * 1.03)
        above = below + np.append(one["value"], one["value"].iloc[-1])
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
    """Shares that fall below a tenth are bought in powers: a log axis."""
    return "log" if fidelities.min() <= 0.1 else "linear"
