"""The common style of all figures: fonts, grid, and a colour-blind-safe colour per method.

It is seaborn's theme ``ticks`` with its palette ``colorblind``, written out here, because the
picture at the end of every run is in this style and importing seaborn takes longer than drawing it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

if "matplotlib.pyplot" not in sys.modules:
    # Notebooks set it to a backend of theirs, also for the programs that a cell starts; without
    # that backend, matplotlib cannot even be imported.
    os.environ["MPLBACKEND"] = "Agg"

import matplotlib as mpl
from cycler import cycler

PALETTE = (
    "#0173b2", "#de8f05", "#029e73", "#d55e00", "#cc78bc",
    "#ca9161", "#fbafe4", "#949494", "#ece133", "#56b4e9",
)  # fmt: skip
"""seaborn's colour-blind-safe palette"""
THEME: dict[Any, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": ".15",
    "axes.grid": True,
    "axes.labelcolor": ".15",
    "axes.labelsize": 12,
    "axes.linewidth": 1.25,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.titlesize": 12,
    "figure.dpi": 120,
    "font.sans-serif": [
        "Arial", "DejaVu Sans", "Liberation Sans", "Bitstream Vera Sans", "sans-serif",
    ],
    "font.size": 12,
    "grid.alpha": 0.3,
    "grid.color": ".8",
    "grid.linewidth": 1,
    "legend.fontsize": 11,
    "legend.title_fontsize": 12,
    "lines.solid_capstyle": "round",
    "patch.edgecolor": "w",
    "patch.force_edgecolor": True,
    "savefig.bbox": "tight",
    "svg.hashsalt": "untunable",  # the same data give the same file
    "text.color": ".15",
    **{
        f"{axis}tick.{name}": value
        for axis in "xy"
        for name, value in (
            ("color", ".15"),
            ("labelsize", 11),
            ("major.size", 6),
            ("major.width", 1.25),
            ("minor.size", 4),
            ("minor.width", 1),
        )
    },
}  # fmt: skip
"""the settings of matplotlib that differ from its defaults"""
# methods in the order of the palette, so that each has one colour in all figures
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
    """Set the defaults of matplotlib and a backend that needs no display or notebook.

    A backend is left alone if ``pyplot`` is imported already: a notebook goes on showing its own
    figures.
    """
    if "matplotlib.pyplot" not in sys.modules:
        mpl.use("Agg")
    mpl.rcdefaults()  # so that a matplotlibrc of the user changes no figure
    mpl.rcParams.update(THEME)
    mpl.rcParams["text.usetex"] = False  # LaTeX need not be installed


def colour_of(method: str) -> str:
    """Return the colour of a method as a hex code; grey for an unknown method.

    Overridden options, as in ``ei,method.x=1``, are ignored.
    """
    method = method.partition(",")[0]
    method = KIN.get(method, (method, ""))[0]
    if method in METHODS:
        return PALETTE[METHODS.index(method)]
    return "#555555"


def legend_name(name: str) -> str:
    """Return a name for a legend, which leaves out texts that begin with an underscore."""
    return f" {name}" if name.startswith("_") else name


def dash_of(method: str) -> str:
    """Return the line style of a method in the notation of matplotlib, such as ``--``."""
    return KIN.get(method.partition(",")[0], (method, "-"))[1]
