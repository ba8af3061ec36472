"""Loss and cost over two hyperparameters at some fidelities: the Fabolas paper's first figure."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np

from analysis import style
from analysis.load import Array


def draw_heat_maps(maps: Path, target: Path, points: Path | None = None) -> Path:
    """Draw one column of panels a fidelity: loss above, cost below; colours are logarithmic.

    Args:
        maps: CSV of a grid: two hyperparameters, ``fidelity``, ``loss``, ``cost`` (seconds).
        target: the file to write; its suffix is the format.
        points: CSV of configs to mark: the same two columns, and ``fidelity``.

    Returns:
        ``target``.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    grid = _columns(maps)
    x, y = list(grid)[:2]
    marked = None if points is None else _columns(points)
    shares = np.unique(grid["fidelity"])
    figure, panels = plt.subplots(
        2, len(shares), figsize=(3.0 * len(shares) + 1.2, 5.6), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for row, (name, label, colours) in enumerate((
        ("loss", "validation loss", "viridis"),
        ("cost", "cost (s)", "cividis"),
    )):  # fmt: skip
        norm = LogNorm(grid[name].min(), grid[name].max())
        for panel, share in zip(panels[row], shares, strict=True):
            at = grid["fidelity"] == share
            axes = [np.unique(grid[axis][at]) for axis in (x, y)]
            order = np.lexsort((grid[x][at], grid[y][at]))
            values = grid[name][at][order].reshape(len(axes[1]), len(axes[0]))
            mesh = panel.pcolormesh(*axes, values, norm=norm, cmap=colours, rasterized=True)
            panel.grid(visible=False)
            panel.set(xscale=_scale(axes[0]), yscale=_scale(axes[1]))
            if marked is not None:
                here = np.isclose(marked["fidelity"], share)
                panel.plot(
                    marked[x][here], marked[y][here], "o", markersize=2.2, color="white",
                    markeredgecolor="black", markeredgewidth=0.4,
                )  # fmt: skip
            if row == 0:
                panel.set_title(f"fidelity {_fraction(share)}")
            else:
                panel.set_xlabel(_label(x))
        panels[row, 0].set_ylabel(_label(y))
        figure.colorbar(mesh, ax=panels[row].tolist(), label=label, pad=0.01)
    figure.savefig(target)
    plt.close(figure)
    return target


def _columns(path: Path) -> Mapping[str, Array]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def _scale(values: Array) -> str:
    """``log`` if the values rise by a constant factor and not by a constant step."""
    steps = np.diff(values)
    even = np.allclose(steps, steps.mean(), rtol=0.01)
    return "linear" if even or values[0] <= 0 else "log"


def _fraction(share: float) -> str:
    near = Fraction(share).limit_denominator(1000)
    return str(near) if abs(near - share) < 1e-6 * share else f"{share:.3g}"


def _label(name: str) -> str:
    """``log_c`` is the natural logarithm of C, ``log_gamma`` that of gamma."""
    return {"log_c": "ln C", "log_gamma": r"ln $\gamma$"}.get(name, name)
