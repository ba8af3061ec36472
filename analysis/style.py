"""One look for every figure: fonts, grid, and one colour-blind-safe colour a method."""

from __future__ import annotations

import matplotlib as mpl
import seaborn as sns

# seaborn's colour-blind palette in a fixed order: a method keeps its colour everywhere
METHODS = ("fabolas", "mtbo", "hyperband", "gpy_ei", "ei", "entropy_search", "random")


def use() -> None:
    """Set matplotlib's defaults; also picks the backend that needs no screen."""
    mpl.use("Agg")
    sns.set_theme(
        context="notebook",
        style="ticks",
        palette="colorblind",
        rc={"axes.grid": True, "grid.alpha": 0.3, "figure.dpi": 120, "savefig.bbox": "tight"},
    )


def colour_of(method: str) -> str:
    """The colour of a method, as hex; grey for one that is not in the list."""
    palette = sns.color_palette("colorblind").as_hex()
    if method in METHODS:
        return str(palette[METHODS.index(method)])
    return "#555555"
