"""Draw loss and cost over two hyperparameters (Klein et al. 2017, arXiv:1605.07079, Figure 1)."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.figures import style
from analysis.figures.literal import literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_heat_maps(maps: Path, path: Path, points: Path | None = None) -> Path:
    """Draw ``heat_maps`` from CSV files and save the figure.

    Args:
        maps: CSV file with the columns of ``grid``, see ``heat_maps``.
        path: file to write; its suffix determines the format.
        points: CSV file with the columns of ``points``, see ``heat_maps``.

    Returns:
        ``path``.
    """
    import matplotlib.pyplot as plt

    figure = heat_maps(pd.read_csv(maps), None if points is None else pd.read_csv(points))
    literal(figure)
    figure.savefig(path)
    plt.close(figure)
    return path


def heat_maps(grid: pd.DataFrame, points: pd.DataFrame | None = None) -> Figure:
    """Draw one column of panels per fidelity: loss above, cost below, both colours logarithmic.

    Args:
        grid: the columns of two hyperparameters, then ``fidelity``, ``loss``, ``cost`` (seconds);
            the rows of a fidelity form a rectangular grid.
        points: configs to mark, with the columns of both hyperparameters and ``fidelity``. Each is
            drawn in the panel of the nearest fidelity, measured by its logarithm.

    Returns:
        The matplotlib figure.
    """
    style.use()
    import matplotlib.pyplot as plt
    from matplotlib.colors import LogNorm

    x, y = list(grid)[:2]
    shares = np.unique(grid["fidelity"].astype(float))
    figure, panels = plt.subplots(
        2, len(shares), figsize=(3.0 * len(shares) + 1.2, 5.6), sharex=True, sharey=True,
        squeeze=False, layout="constrained",
    )  # fmt: skip
    for row, (name, label, colours) in enumerate((
        ("loss", "validation loss", "viridis"),
        ("cost", "cost (s)", "cividis"),
    )):  # fmt: skip
        norm = LogNorm(grid[name].min(), grid[name].max())
        for number, (panel, share) in enumerate(zip(panels[row], shares, strict=True)):
            at = grid[grid["fidelity"] == share].sort_values([y, x])
            axes = [np.unique(at[axis]) for axis in (x, y)]
            values = at[name].to_numpy().reshape(len(axes[1]), len(axes[0]))
            mesh = panel.pcolormesh(*axes, values, norm=norm, cmap=colours, rasterized=True)
            panel.grid(visible=False)
            panel.set(xscale=_scale(axes[0]), yscale=_scale(axes[1]))
            if points is not None:
                here = points[_nearest(points["fidelity"].to_numpy(), shares) == number]
                panel.plot(
                    here[x], here[y], "o", markersize=2.2, color="white",
                    markeredgecolor="black", markeredgewidth=0.4,
                )  # fmt: skip
            if row == 0:
                panel.set_title(f"fidelity {_fraction(share)}")
            else:
                panel.set_xlabel(_label(x))
        panels[row, 0].set_ylabel(_label(y))
        figure.colorbar(mesh, ax=panels[row].tolist(), label=label, pad=0.01)
    return figure


def _nearest(fidelities: Array, shares: Array) -> Array:
    """Return the index of the nearest of ``shares`` for each fidelity, shape ``(fidelities,)``."""
    away = abs(np.log(fidelities[:, None]) - np.log(shares[None, :]))
    return np.asarray(away.argmin(axis=1))


def _scale(values: Array) -> str:
    """Return the scale of rising values: ``linear`` if their steps are equal, else ``log``.

    Values that are not all positive are on a ``linear`` scale.
    """
    steps = np.diff(values)
    even = np.allclose(steps, steps.mean(), rtol=0.01)
    return "linear" if even or values[0] <= 0 else "log"


def _fraction(share: float) -> str:
    near = Fraction(share).limit_denominator(1000)
    return str(near) if abs(near - share) < 1e-6 * share else f"{share:.3g}"


def _label(name: str) -> str:
    """Return the label of a hyperparameter; ``log_c`` and ``log_gamma`` are natural logarithms."""
    return {"log_c": "ln C", "log_gamma": "ln γ"}.get(name, name)
