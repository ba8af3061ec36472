"""What the incumbent is worth against cost: slide 22 of the talk, figure 4 of the Fabolas paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.figures import style
from analysis.figures.captions import ordered, seeds_of
from analysis.figures.figure import Figure
from analysis.figures.scales import plain_log
from analysis.statistics.step_curves import clock_of, on_grid

if TYPE_CHECKING:  # slow to import
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

POINTS = 150  # of the grid, evenly spaced in log cost
COLUMNS = 3
NAME = 0.06  # height of a name at a line's end, as a share of a panel's
WORDS = {
    "recommended": "recommended config",
    "best_at_target": "best config seen at the target",
    "best_seen": "best config seen at any fidelity",
}
CLOCK_WORDS = {
    "cost": "evaluation cost",
    "cost + overhead": "evaluation cost + overhead",
    "wall-clock": "wall-clock",
}
AXES = {"regret": "regret (loss)", "test": "test error"}


def draw_incumbent(
    table: pd.DataFrame, rule: str = "recommended", clock: str = "cost", quantity: str = "regret"
) -> Figure:
    """Draw the incumbent's regret, or its test error, against cost: one panel a task.

    Line and band are median and quartiles over seeds, read off each run's steps on a log grid
    that all methods of a task share; on the clock of evaluation cost it ends with the budget. A
    median, or a quartile, that falls on a run without an incumbent is not drawn. Below each panel:
    how many runs have not ended.

    Args:
        table: see ``analysis.data.tidy.tidy``.
        rule: one of ``analysis.data.tidy.RULES``.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        quantity: ``regret`` (floored at half a validation example in the table) or ``test``.

    Returns:
        Data: ``task``, ``method``, ``clock_seconds``, ``median``, ``lower``, ``upper`` (NaN where
        not drawn; band only where both quartiles are finite), ``alive`` (runs), ``runs``,
        ``ended`` (True after the median end of the method's runs).
    """
    style.use()
    import matplotlib.pyplot as plt

    column = f"{quantity}_{rule}"
    curves: list[pd.DataFrame] = []
    absent: list[tuple[str, str]] = []
    for task, rows in table.groupby("task", sort=True):
        grid = _grid(rows, clock)
        for method, runs in rows.groupby("method", sort=True):
            curve = _curve(runs, column, grid, clock)
            if curve["median"].notna().any():
                curves.append(curve)
            else:
                absent.append((str(method), str(task)))
    data = pd.concat(curves, ignore_index=True) if curves else pd.DataFrame({"task": []})
    tasks = list(dict.fromkeys(data["task"]))
    number = max(len(tasks), 1)
    wide, high = min(COLUMNS, number), -(-number // COLUMNS)
    figure = plt.figure(figsize=(max(4.9 * wide, 6.4), 4.9 * high), layout="constrained")
    grids = figure.add_gridspec(2 * high, wide, height_ratios=[5, 0.9] * high)
    panels = []
    for place, task in enumerate(tasks):
        row, cell = divmod(place, COLUMNS)
        upper = figure.add_subplot(grids[2 * row, cell])
        lower = figure.add_subplot(grids[2 * row + 1, cell], sharex=upper)
        lines, rows = data[data["task"] == task], table[table["task"] == task]
        _panel(upper, lines, rows, quantity, clock)
        upper.set_title(str(task))
        _strip(lower, lines)
        lower.set_xlabel(f"{CLOCK_WORDS[clock]} (s)")
        if cell == 0:
            upper.set_ylabel(AXES[quantity])
            lower.set_ylabel("runs\nalive")
        panels.append((upper, lines))
    if not tasks:
        figure.text(0.5, 0.5, f"no {AXES[quantity]} known", ha="center")
    else:
        _name(figure, panels)
    return Figure(figure, data, _caption(table, data, absent, rule, clock, quantity))


def _grid(rows: pd.DataFrame, clock: str) -> Array:
    """Readings, seconds, from the first trial's end to the last one's or the budget, with each
    method's median end among them.
    """
    times = clock_of(rows, clock)
    start, end = float(times[times > 0].min()), float(times.max())
    budget = float(rows["budget"].max())
    if clock == "cost" and start < budget < end:
        end = budget  # beyond it are only those whose last trial happened to be long
    grid = np.geomspace(start, end if end > start else 2 * start, POINTS)
    ends = [_end(runs, clock) for _, runs in rows.groupby("method")]  # where the dots are
    return np.union1d(grid, [each for each in ends if grid[0] < each < grid[-1]])


def _end(runs: pd.DataFrame, clock: str) -> float:
    """Median reading at the end of a method's runs, seconds."""
    return float(np.median([clock_of(run, clock).max() for _, run in runs.groupby("seed")]))


def _curve(runs: pd.DataFrame, column: str, grid: Array, clock: str) -> pd.DataFrame:
    steps = on_grid(runs, column, grid, clock)
    # infinities cannot be interpolated between, a huge number can
    values = np.nan_to_num(steps.values, nan=1e300, posinf=1e300)
    lower, median, upper = np.quantile(values, (0.25, 0.5, 0.75), axis=0)
    band = upper < 1e290
    return pd.DataFrame({
        "task": runs["task"].iloc[0],
        "method": runs["method"].iloc[0],
        "clock_seconds": grid,
        "median": np.where(median < 1e290, median, np.nan),
        "lower": np.where(band, lower, np.nan),
        "upper": np.where(band, upper, np.nan),
        "alive": steps.alive,
        "runs": len(steps.seeds),
        "ended": grid > _end(runs, clock),
    })  # fmt: skip


def _panel(ax: Axes, lines: pd.DataFrame, rows: pd.DataFrame, quantity: str, clock: str) -> None:
    shown = lines["clock_seconds"]  # where nothing is drawn yet, too: the strip has it
    margin = (shown.max() / shown.min()) ** 0.04
    for method, line in lines.groupby("method", sort=True):
        # a step's last value would be a point: it is drawn on to the frame
        line = pd.concat([line, line.tail(1).assign(clock_seconds=shown.max() * margin)])
        colour, dash = style.colour_of(str(method)), style.dash_of(str(method))
        x, median = line["clock_seconds"].to_numpy(), line["median"].to_numpy()
        ended = line["ended"].to_numpy()
        ax.fill_between(
            x, line["lower"], line["upper"], step="post", color=colour, alpha=0.15, linewidth=0
        )
        live = np.flatnonzero(~ended)
        ax.step(
            x[live], median[live], where="post", color=colour, linestyle=dash, linewidth=2,
            label=str(method),
        )  # fmt: skip
        if ended.any():
            rest = np.concatenate([live[-1:], np.flatnonzero(ended)])
            ax.step(x[rest], median[rest], where="post", color=colour, linestyle=":", linewidth=1)
            ax.plot(x[rest[:1]], median[rest[:1]], "o", color=colour, markersize=6, mec="white")
    ax.set(xscale="log", yscale="log")
    ax.set_xlim(shown.min() / margin, shown.max() * margin)
    drawn = lines[["median", "lower", "upper"]].to_numpy(dtype=float)
    low, high = float(np.nanmin(drawn)), float(np.nanmax(drawn))
    if low > 0:
        ax.set_ylim(low / 1.4, high * 1.4)
    resolution = float(rows["resolution"].max())
    if quantity == "regret" and resolution > 0:  # False for NaN
        ax.axhspan(1e-300, resolution, color="0.88", zorder=0)
        ax.set_ylim(bottom=min(low, resolution) / 1.4)
        ax.annotate(
            f"below the replay's interpolation error ({resolution:.2g})", (0.02, resolution),
            xycoords=("axes fraction", "data"), xytext=(0, -2), textcoords="offset points",
            va="top", fontsize=8, color="0.35",
        )  # fmt: skip
    plain_log(ax.yaxis)
    unit = float(rows["target_cost"].max())
    if unit > 0:
        units: tuple[Any, Any] = (lambda s: s / unit, lambda t: t * unit)
        above = ax.secondary_xaxis("top", functions=units)
        # workers side by side do more full trainings in that time
        what = "times as long as a full training" if clock == "wall-clock" else "full trainings"
        above.set_xlabel(what, fontsize="small")
        above.tick_params(labelsize="small")
        plain_log(above.xaxis, ax.get_xlim())
    ax.tick_params(axis="x", which="both", labelbottom=False)


def _strip(ax: Axes, lines: pd.DataFrame) -> None:
    for method, line in lines.groupby("method", sort=True):
        colour, dash = style.colour_of(str(method)), style.dash_of(str(method))
        ax.step(line["clock_seconds"], line["alive"], where="post", color=colour, linestyle=dash)
    most = int(lines["runs"].max())
    ax.set_ylim(-0.08 * most, 1.15 * most)
    ax.set_yticks([0, most])
    plain_log(ax.xaxis)


def _name(figure: MatplotlibFigure, panels: list[tuple[Axes, pd.DataFrame]]) -> None:
    """Names at the right ends of the lines if no two come too close, else a legend for all."""
    ends = []
    for ax, lines in panels:
        last = lines.groupby("method", sort=True).tail(1)
        last = last[last["median"] > 0]
        gaps = np.diff(np.sort(np.log(last["median"]))) / np.diff(np.log(ax.get_ylim()))
        if len(last) < lines["method"].nunique() or (gaps < NAME).any():
            break
        ends.append((ax, last))
    else:
        for ax, last in ends:
            for method, y in last[["method", "median"]].itertuples(index=False):
                ax.annotate(
                    method, (1, y), xycoords=("axes fraction", "data"), xytext=(5, 0),
                    textcoords="offset points", va="center", fontsize="small",
                    color="0.2", annotation_clip=False,
                )  # fmt: skip
        return
    handles: dict[str, Artist] = {}
    for ax, _ in panels:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            handles.setdefault(label, handle)
    figure.legend(
        [handles[name] for name in ordered(handles)],
        ordered(handles),
        loc="outside lower center",
        ncols=min(len(handles), 7),
    )


def _caption(
    table: pd.DataFrame,
    data: pd.DataFrame,
    absent: list[tuple[str, str]],
    rule: str,
    clock: str,
    quantity: str,
) -> str:
    shown = {"regret": "Regret", "test": "Test error"}[quantity]
    text = (
        f"{shown} of the {WORDS[rule]} (rule {rule}) against {CLOCK_WORDS[clock]}: "
        f"median and quartiles over {seeds_of(table)}."
    )
    if len(data) and data["ended"].any():
        text += (
            " A dot marks where a method's median run ended; its last incumbent is kept after it."
        )
    unfinished = table[table["stopped_by"].isna()].groupby(["task", "method", "seed"]).ngroups
    if unfinished:
        text += f" Includes {unfinished} unfinished run{'s'[: unfinished > 1]}."
    if absent:
        what = "test error" if quantity == "test" else quantity
        text += (
            f" Not drawn, as {what} by this rule is undefined in half of the runs or more: "
            f"{_list(absent, data)}."
        )
    return text


def _list(absent: list[tuple[str, str]], data: pd.DataFrame) -> str:
    """``random on branin, hartmann6; all methods on svm_mnist``, from pairs of method and task."""
    tasks: dict[str, list[str]] = {}
    for method, task in absent:
        who = method if task in set(data["task"]) else "all methods"
        if task not in tasks.setdefault(who, []):
            tasks[who].append(task)
    return "; ".join(f"{who} on {', '.join(where)}" for who, where in tasks.items())
