"""Draw an overview of a table of learning curves: curves, accuracy of the replay, importances."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import seaborn as sns

from analysis.figures import style
from analysis.figures.literal import literal

if TYPE_CHECKING:  # slow to import
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

FAINT = "#8a8a8a"  # colour of the recorded curves


def draw_learning_curves(
    curves: Path,
    held_out: Path,
    effects: Path,
    path: Path,
    *,
    unit: str = "epochs",
    kind_of_loss: str = "error",
) -> Path:
    """Draw three panels: recorded curves, replayed against held-out losses, and importances.

    Args:
        curves: CSV file with the columns ``curve`` (a number), ``kind`` (``recorded``, ``best`` or
            ``baseline``), ``epoch`` (a number of units) and ``loss``.
        held_out: CSV file with the columns ``surrogate``, ``recorded`` and ``replayed`` (losses at
            the target fidelity); it may have no rows.
        effects: CSV file with the columns ``hyperparameter``, ``epoch`` and ``total_effect`` (a
            share of variance).
        path: file to write; its suffix determines the format.
        unit: unit of ``epoch``, in the plural.
        kind_of_loss: ``error``, for error rates, or ``loss``.

    Returns:
        ``path``.
    """
    style.use()
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    _curves(panels[0], _rows(curves), unit, kind_of_loss)
    _held_out(panels[1], _rows(held_out), kind_of_loss)
    _effects(panels[2], _rows(effects), unit, kind_of_loss)
    literal(figure)
    figure.savefig(path)
    plt.close(figure)
    return path


def _curves(ax: Axes, rows: list[dict[str, str]], unit: str, loss: str) -> None:
    colours = dict(zip(("best", "baseline"), sns.color_palette("colorblind"), strict=False))
    named: set[str] = set()
    lines: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for row in rows:
        point = (int(row["epoch"]), float(row["loss"]))
        lines.setdefault((row["kind"], row["curve"]), []).append(point)
    for (kind, _), points in sorted(lines.items(), key=lambda item: item[0][0] != "recorded"):
        epochs, losses = zip(*points, strict=True)
        plain = kind == "recorded"
        label = None if kind in named else kind
        named.add(kind)
        ax.plot(
            epochs, losses, color=FAINT if plain else colours[kind], lw=0.5 if plain else 2,
            alpha=0.35 if plain else 1, label=label,
        )  # fmt: skip
    ax.set(xlabel=unit, ylabel=f"validation {loss}", yscale="log", title="recorded curves")
    _plain_numbers(ax.yaxis)
    ax.set_ylim(bottom=0.9 * min(float(row["loss"]) for row in rows))  # leaves room for the legend
    legend = ax.legend(loc="lower center", ncols=3, fontsize="small")
    for handle in legend.legend_handles:
        if handle is not None:
            handle.set(alpha=1, linewidth=2)


def _held_out(ax: Axes, rows: list[dict[str, str]], loss: str) -> None:
    palette = sns.color_palette("colorblind")[2:]
    families = sorted({row["surrogate"] for row in rows})
    for family, colour, marker in zip(families, palette, "os^", strict=False):
        points = [
            (float(row["recorded"]), float(row["replayed"]))
            for row in rows
            if row["surrogate"] == family
        ]
        x, y = zip(*points, strict=True)
        ax.plot(x, y, marker, color=colour, label=family, mfc="none", mew=1.5, markersize=6)
    ax.set(xlabel=f"validation {loss}, trained", ylabel=f"validation {loss}, replayed")
    ax.set(xscale="log", yscale="log", title="held-out configs at the target")
    if rows:
        values = [float(row[name]) for row in rows for name in ("recorded", "replayed")]
        ends = np.array([min(values), max(values)])
        ax.plot(ends, ends, color=FAINT, lw=1, zorder=0)
        ax.legend(loc="upper left")
    for axis in (ax.xaxis, ax.yaxis):
        _plain_numbers(axis)


def _effects(ax: Axes, rows: list[dict[str, str]], unit: str, loss: str) -> None:
    epochs = sorted({int(row["epoch"]) for row in rows})
    value = {(r["hyperparameter"], int(r["epoch"])): float(r["total_effect"]) for r in rows}
    names = sorted({name for name, _ in value}, key=lambda name: value[name, epochs[-1]])
    height = 0.8 / len(epochs)
    shades = sns.color_palette("cividis", len(epochs))
    for number, (epoch, shade) in enumerate(zip(epochs, shades, strict=True)):
        positions = np.arange(len(names)) + (len(epochs) / 2 - number - 0.5) * height
        label = f"after {epoch} {unit if epoch > 1 else unit.removesuffix('s')}"
        ax.barh(positions, [value[name, epoch] for name in names], height, color=shade, label=label)
    ax.set_yticks(range(len(names)), [name.replace("_", " ") for name in names])
    ax.set(xlabel=f"total effect on validation {loss}, share of variance", title="importance")
    ax.grid(visible=False, axis="y")
    ax.legend(loc="lower right")


def _plain_numbers(axis: Axis) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator

    axis.set_major_locator(LogLocator(subs=(0.1, 0.2, 0.4, 0.6, 0.8)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: ""))


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
