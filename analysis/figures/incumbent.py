"""Draw regret or test error of the incumbent against cost.

Compare slide 22 of the SigOpt talk (GTC 2019, S9313) and Figure 4 of the Fabolas paper (Klein et
al. 2017).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.figures import style
from analysis.figures.captions import CLOCKS, RULES, measured, ordered, regret_name, seeds_of
from analysis.figures.figure import Figure
from analysis.figures.scales import plain_log
from analysis.statistics.regret_targets import unit_of
from analysis.statistics.step_curves import clock_of, on_grid

if TYPE_CHECKING:  # slow to import
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

POINTS = 150  # grid points, evenly spaced in log cost
COLUMNS = 3  # panels in a row
NAME = 0.06  # height of a name at the end of a line, as a share of the height of the panel
AXES = {"regret": "regret (loss)", "test": "test error"}


def draw_incumbent(
    table: pd.DataFrame, rule: str = "recommended", clock: str = "cost", quantity: str = "regret"
) -> Figure:
    """Draw the regret or the test error of the incumbent against cost, one panel per task.

    Lines and bands are the median and the quartiles over seeds. The step curves of all runs of a
    task are evaluated on a common grid in log cost, which ends at the budget on the clock
    ``cost``. A median or quartile that falls on a run without an incumbent is not drawn. A strip
    below each panel shows the number of runs that have not ended.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        rule: one of ``analysis.data.tidy.RULES``.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        quantity: ``regret`` (at least half a validation example) or ``test`` (test error).

    Returns:
        A figure whose data have one row per task, method and grid point: ``task``, ``method``,
        ``clock_seconds``, ``median``, ``lower``, ``upper`` (NaN where not drawn; there is a band
        only where the upper quartile is finite), ``alive`` (number of runs that have not ended),
        ``runs``, ``ended`` (True after the median end of the runs of the method).
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
    for index, task in enumerate(tasks):
        row, cell = divmod(index, COLUMNS)
        upper = figure.add_subplot(grids[2 * row, cell])
        lower = figure.add_subplot(grids[2 * row + 1, cell], sharex=upper)
        lines, rows = data[data["task"] == task], table[table["task"] == task]
        _panel(upper, lines, rows, quantity, clock)
        upper.set_title(str(task))
        _strip(lower, lines)
        lower.set_xlabel(f"{CLOCKS[clock]} (s)")
        if cell == 0:
            upper.set_ylabel(_label(rows, quantity))
            lower.set_ylabel("running\nruns")
        panels.append((upper, lines))
    if not tasks:
        figure.text(0.5, 0.5, f"no {AXES[quantity]} known", ha="center")
    else:
        _name(figure, panels)
    return Figure(figure, data, _caption(table, data, absent, rule, clock, quantity))


def _label(rows: pd.DataFrame, quantity: str) -> str:
    """Return the label of the axis of a panel, given the rows of its task."""
    return f"{regret_name(rows)} (loss)" if quantity == "regret" else AXES[quantity]


def _grid(rows: pd.DataFrame, clock: str) -> Array:
    """Return the grid of times in seconds, evenly spaced in log time.

    It ranges from the end of the first trial to the end of the last one, or to the budget, and
    includes the median end of the runs of each method.
    """
    times = clock_of(rows, clock)
    start, end = float(times[times > 0].min()), float(times.max())
    budget = float(rows["budget"].max())
    if clock == "cost" and start < budget < end:
        end = budget  # only runs with a long last trial go beyond it
    grid = np.geomspace(start, end if end > start else 2 * start, POINTS)
    ends = [_end(runs, clock) for _, runs in rows.groupby("method")]  # marked by dots
    return np.union1d(grid, [end for end in ends if grid[0] < end < grid[-1]])


def _end(runs: pd.DataFrame, clock: str) -> float:
    """Return the median time at which the runs of a method end, in seconds."""
    return float(np.median([clock_of(run, clock).max() for _, run in runs.groupby("seed")]))


def _curve(runs: pd.DataFrame, column: str, grid: Array, clock: str) -> pd.DataFrame:
    steps = on_grid(runs, column, grid, clock)
    # a quantile cannot interpolate infinite values, but it can interpolate very large ones
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
    shown = lines["clock_seconds"]  # includes times without a median: the strip below shows them
    margin = (shown.max() / shown.min()) ** 0.04
    for method, line in lines.groupby("method", sort=True):
        # the last value of a step curve is a point: extend it to the frame
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
            label=style.legend_name(str(method)),
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
    if quantity == "regret" and resolution > 0:  # False if NaN
        ax.axhspan(1e-300, resolution, color="0.88", zorder=0)
        ax.set_ylim(bottom=min(low, resolution) / 1.4)
        ax.annotate(
            f"below the replay's interpolation error ({resolution:.2g})", (0.02, resolution),
            xycoords=("axes fraction", "data"), xytext=(0, -2), textcoords="offset points",
            va="top", fontsize=8, color="0.35",
        )  # fmt: skip
    plain_log(ax.yaxis)
    unit, unit_name = unit_of(rows)
    if unit_name != "seconds":
        units: tuple[Any, Any] = (lambda s: s / unit, lambda t: t * unit)
        above = ax.secondary_xaxis("top", functions=units)
        # parallel workers do more than one full training in the time of one
        one = unit_name.removesuffix("s")
        above.set_xlabel(
            f"times as long as a {one}" if clock == "wall-clock" else unit_name, fontsize="small"
        )
        above.tick_params(labelsize="small")
        plain_log(above.xaxis, ax.get_xlim())
    ax.tick_params(axis="x", which="both", labelbottom=False)


def _strip(ax: Axes, lines: pd.DataFrame) -> None:
    """Draw the number of runs that have not ended."""
    for method, line in lines.groupby("method", sort=True):
        colour, dash = style.colour_of(str(method)), style.dash_of(str(method))
        ax.step(line["clock_seconds"], line["alive"], where="post", color=colour, linestyle=dash)
    most = int(lines["runs"].max())
    ax.set_ylim(-0.08 * most, 1.15 * most)
    ax.set_yticks([0, most])
    plain_log(ax.xaxis)


def _name(figure: MatplotlibFigure, panels: list[tuple[Axes, pd.DataFrame]]) -> None:
    """Label the lines at their right ends or, if two labels would overlap, add a legend."""
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
        f"{shown} of the {RULES[rule]} (rule {rule}) against {CLOCKS[clock]}: "
        f"median and quartiles over {seeds_of(table)}. The strip below counts the runs that have "
        "not ended."
    )
    if len(data) and data["ended"].any():
        text += (
            " A dot marks the median end of a method's runs; a run that has ended keeps its last "
            "incumbent."
        )
    unfinished = table[table["stopped_by"].isna()].groupby(["task", "method", "seed"]).ngroups
    if unfinished:
        text += f" Includes {unfinished} unfinished run{'s'[: unfinished > 1]}."
    if absent:
        what = "test error" if quantity == "test" else quantity
        text += (
            f" Not drawn, because half of the runs or more have no such config or its {what} is "
            f"not known: {_list(absent, data)}."
        )
    return text + measured(table, test=quantity == "test")


def _list(absent: list[tuple[str, str]], data: pd.DataFrame) -> str:
    """List pairs of method and task: ``random on branin, hartmann6; all methods on svm_mnist``."""
    tasks: dict[str, list[str]] = {}
    for method, task in absent:
        who = method if task in set(data["task"]) else "all methods"
        if task not in tasks.setdefault(who, []):
            tasks[who].append(task)
    return "; ".join(f"{who} on {', '.join(where)}" for who, where in tasks.items())
