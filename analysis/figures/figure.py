"""What every figure module returns: the figure, the numbers behind it, and what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

# Matplotlib gives places in an SVG to a millionth of a point: a third of the file. Only places are
# shortened, for a glyph's scale needs its digits.
_PLACES = re.compile(r' (?:d|x|y)="[^"]*"')
_SURPLUS = re.compile(r"(?<=\.\d\d)\d+")

DENSE = 100  # more marks than this are one picture inside an SVG


class Figure(NamedTuple):
    """One figure of a report."""

    figure: MatplotlibFigure
    data: pd.DataFrame
    """what is drawn, nothing else: one row a mark"""
    caption: str
    """what to see, in a sentence or two; clock, incumbent rule and number of seeds"""


def save(drawn: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``<name>.png``, ``.svg`` and ``.csv`` and close the figure; returns their paths."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    png, svg, table = paths = [folder / f"{name}.{kind}" for kind in ("png", "svg", "csv")]
    drawn.figure.savefig(png)
    for marks in (each for ax in drawn.figure.axes for each in ax.collections):
        if np.shape(marks.get_offsets())[0] > DENSE:
            marks.set_rasterized(True)
    # without a date, so that the same numbers give the same file
    drawn.figure.savefig(svg, metadata={"Date": None})
    svg.write_text(_PLACES.sub(lambda places: _SURPLUS.sub("", places[0]), svg.read_text()))
    drawn.data.to_csv(table, index=False, float_format="%.7g")
    plt.close(drawn.figure)
    return paths
