"""Draw how the hyperparameters of one run evolved with the cost, and the loss against each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from analysis.figures.figure import Figure
from analysis.figures.median_run import median_seed
from analysis.figures.scales import plain_log, scale_for, scale_of

if TYPE_CHECKING:  # slow to import
    from matplotlib.axes import Axes

TALL = 4  # more hyperparameters than this are arranged in two columns of panel pairs
JITTER = 0.5  # spread of the points of a categorical value, as a share of the height of its row


def draw_hyperparameters(
    table: pd.DataFrame, task: str, method: str, seed: int | None = None
) -> Figure:
    """Draw two panels per hyperparameter: its value against cost, and the loss against its value.

    Points are coloured by fidelity. ``analysis.figures.scales.scale_for`` decides which axes are
    logarithmic. Categorical and Boolean values are labelled rows, in which the points are spread.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        method: name of the method.
        seed: seed of the run; by default that of the median run by final regret (see
            ``analysis.figures.median_run.median_seed``).

    Returns:
        A figure whose data have one row per hyperparameter and trial: ``seed``, ``trial``,
        ``total_cost`` (seconds, at the end of the trial), ``fidelity``, ``loss`` (NaN if the trial
        failed; it then has no point in the right panel), ``hyperparameter``, ``value``, ``place``
        (coordinate on the axis: the value or, for categorical values, that of the point).

    Raises:
        ValueError: if there is no such run.
    """
    rows = table[(table["task"] == task) & (table["method"] == method)]
    seeds = rows["seed"].nunique()
    if not rows.empty:
        rows = rows[rows["seed"] == (median_seed(rows) if seed is None else seed)]
    if rows.empty:
        which = "" if seed is None else f" with seed {seed}"
        raise ValueError(f"no trials of {method} on {task}{which}")
    from analysis.figures import style

    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    names = [c for c in rows if c.startswith("config.") and rows[c].notna().any()]
    choices = {name: _choices(rows[name]) for name in names}
    data = pd.concat([_marks(rows, name, choices[name]) for name in names], ignore_index=True)
    lowest = float(rows["fidelity"].min())
    norm = (LogNorm if lowest <= 0.1 else Normalize)(min(lowest, 0.99), 1.0)
    pairs = 2 if len(names) > TALL else 1
    high = -(-len(names) // pairs)
    figure, panels = plt.subplots(
        high, 2 * pairs, figsize=(4.2 * 2 * pairs + 1, 2.4 * high + 1), squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for number, name in enumerate(names):
        row, pair = number % high, number // high
        marks = data[data["hyperparameter"] == name.removeprefix("config.")]
        left, right = panels[row, 2 * pair : 2 * pair + 2]
        scale = "linear" if choices[name] else scale_for(rows, name)
        _pair(left, right, marks, choices[name], norm, scale)
        if row == high - 1 or number == len(names) - 1:
            left.set_xlabel("evaluation cost so far (s)")
    for number in range(len(names), high * pairs):
        for ax in panels[number % high, 2 * (number // high) :]:
            ax.remove()
    figure.colorbar(
        ScalarMappable(norm, "viridis"), ax=figure.axes, label="fidelity",
        pad=0.01, aspect=30,
    )  # fmt: skip
    shown = int(rows["seed"].iloc[0])
    figure.suptitle(f"{method} on {task}, seed {shown}")
    which = "the one with the median final regret" if seed is None else "one"
    caption = (
        f"All trials of {method} on {task} in the run with seed {shown}, {which} of {seeds} "
        f"run{'s' * (seeds != 1)}. Left: value of each hyperparameter against evaluation cost. "
        "Right: loss against this value. Colour: fidelity."
    )
    return Figure(figure, data, caption)


def _choices(values: pd.Series[Any]) -> list[object]:
    """Return the distinct values of a categorical hyperparameter, sorted; empty for a number."""
    present = list(values.dropna())
    if all(isinstance(v, (int, float, np.number)) and not isinstance(v, bool) for v in present):
        return []
    return sorted(set(present), key=lambda value: (str(type(value)), str(value)))


def _marks(rows: pd.DataFrame, name: str, choices: list[object]) -> pd.DataFrame:
    present = rows[rows[name].notna()]  # a conditional hyperparameter may be absent
    marks = present[["seed", "trial", "total_cost", "fidelity", "loss"]].assign(
        hyperparameter=name.removeprefix("config."), value=present[name]
    )
    if choices:
        # multiples of the golden ratio spread evenly and, unlike random numbers, reproducibly
        spread = (present["trial"] * 0.618034 % 1 - 0.5) * JITTER
        positions = np.array([choices.index(value) for value in present[name]]) + spread
    else:
        positions = present[name].astype(float)
    return marks.assign(place=positions)


def _pair(
    left: Axes, right: Axes, marks: pd.DataFrame, choices: list[object], norm: Any, scale: str
) -> None:
    name = marks["hyperparameter"].iloc[0]
    look: dict[str, Any] = {
        "norm": norm, "cmap": "viridis", "s": 16, "edgecolors": "black", "linewidths": 0.2,
    }  # fmt: skip
    left.scatter(marks["total_cost"], marks["place"], c=marks["fidelity"], **look)
    done = marks[marks["loss"].notna()]
    right.scatter(done["place"], done["loss"], c=done["fidelity"], **look)
    left.set_ylabel(name)
    right.set(xlabel=name, ylabel="loss")
    _scale(left, "x", scale_of(marks["total_cost"].to_numpy()))
    losses = done["loss"].to_numpy(dtype=float)
    right.set_yscale("log" if losses.size and losses.min() > 0 else "linear")
    if right.get_yscale() == "log":
        plain_log(right.yaxis)
    if choices:
        labels = [str(choice) for choice in choices]
        left.set_yticks(range(len(choices)), labels)
        right.set_xticks(range(len(choices)), labels)
        left.set_ylim(-0.6, len(choices) - 0.4)
        right.set_xlim(-0.6, len(choices) - 0.4)
    else:
        _scale(left, "y", scale)
        _scale(right, "x", scale)


def _scale(ax: Axes, which: str, scale: str) -> None:
    if scale == "log":
        (ax.set_xscale if which == "x" else ax.set_yscale)("log")
        plain_log(ax.xaxis if which == "x" else ax.yaxis)
