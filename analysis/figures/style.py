"""One look for every figure: fonts, grid, and one colour-blind-safe colour a method."""

from __future__ import annotations

import matplotlib as mpl
import seaborn as sns

# seaborn's colour-blind palette in a fixed order: a method keeps its colour everywhere
METHODS = (
    "fabolas", "mtbo", "hyperband", "gpy_ei", "ei", "entropy_search", "multitask", "random"
)  # fmt: skip
# presets and references share the colour of the method that they are a kind of, and differ in dash
KIN = {
    "fabolas_paper": ("fabolas", "--"),
    "fabolas_robo": ("fabolas", ":"),
    "fabolas_talk": ("fabolas", "-"),
    "emukit_fabolas": ("fabolas", "-."),
    "mtbo_32": ("mtbo", "--"),
    "mtbo_512": ("mtbo", ":"),
    "mtbo_talk": ("mtbo", "-."),
    "asha": ("hyperband", "--"),
    "sigopt": ("multitask", "--"),
    "emukit_es": ("entropy_search", "--"),
    "emukit_mes": ("entropy_search", ":"),
}


def use() -> None:
    """Set matplotlib's defaults; also picks the backend that needs no screen."""
    mpl.use("Agg")
    sns.set_theme(
        context="notebook",
        style="ticks",
        palette="colorblind",
        rc={
            "axes.grid": True,
            "grid.alpha": 0.3,
            "figure.dpi": 120,
            "savefig.bbox": "tight",
            "svg.hashsalt": "untunable",  # the same numbers give the same file
        },
    )


def colour_of(method: str) -> str:
    """The colour of a method (of a run with overridden options, too: ``ei,method.x=1``), as hex;
    grey for one that is not in the list.
    """
    palette = sns.color_palette("colorblind").as_hex()
    method = method.partition(",")[0]
    method = KIN.get(method, (method, ""))[0]
    if method in METHODS:
        return str(palette[METHODS.index(method)])
    return "#555555"


def dash_of(method: str) -> str:
    """The line style of a method, as matplotlib writes it."""
    return KIN.get(method.partition(",")[0], (method, "-"))[1]
