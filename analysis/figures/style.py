"""The common style of all figures: fonts, grid, and a colour-blind-safe colour per method."""

from __future__ import annotations

import matplotlib as mpl
import seaborn as sns

# methods in the order of seaborn's colour-blind palette, so that each has one colour in all figures
METHODS = (
    "fabolas", "mtbo", "hyperband", "gpy_ei", "ei", "entropy_search", "multitask", "random"
)  # fmt: skip
# presets and third-party versions have the colour of their method and a line style of their own
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
    """Set the defaults of matplotlib and its backend, which needs no display."""
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
            "svg.hashsalt": "untunable",  # the same data give the same file
        },
    )


def colour_of(method: str) -> str:
    """Return the colour of a method as a hex code; grey for an unknown method.

    Overridden options, as in ``ei,method.x=1``, are ignored.
    """
    palette = sns.color_palette("colorblind").as_hex()
    method = method.partition(",")[0]
    method = KIN.get(method, (method, ""))[0]
    if method in METHODS:
        return str(palette[METHODS.index(method)])
    return "#555555"


def dash_of(method: str) -> str:
    """Return the line style of a method in the notation of matplotlib, such as ``--``."""
    return KIN.get(method.partition(",")[0], (method, "-"))[1]
