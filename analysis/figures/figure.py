"""The result of the figure modules: a matplotlib figure with its data and its caption."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.data.escaping import csv
from analysis.figures.literal import literal

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

# Matplotlib writes the coordinates in an SVG file to a millionth of a point, which makes up a third
# of the file. Only coordinates are shortened, because the scale of a glyph needs all its digits.
_COORDINATES = re.compile(r' (?:d|x|y)="[^"]*"')
_SURPLUS = re.compile(r"(?<=\.\d\d)\d+")

DENSE = 100  # collections of more marks than this are rasterised in an SVG file


@dataclass(frozen=True)
class Figure:
    """A figure of a report, with its data and its caption; its texts hold no formulas."""

    figure: MatplotlibFigure
    data: pd.DataFrame
    """the values drawn, one row per mark"""
    caption: str
    """what the figure shows, with the clock, the incumbent rule and the number of seeds"""

    def __post_init__(self) -> None:
        literal(self.figure)


def save(figure: Figure, folder: Path, name: str) -> list[Path]:
    """Write ``<name>.png``, ``<name>.svg`` and ``<name>.csv``, and close the figure.

    Args:
        figure: the figure.
        folder: the destination; created if it does not exist.
        name: name of the files, without the suffix.

    Returns:
        The paths of the three files, in this order.
    """
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    png, svg, table = paths = [folder / f"{name}.{kind}" for kind in ("png", "svg", "csv")]
    figure.figure.savefig(png)
    for marks in (each for ax in figure.figure.axes for each in ax.collections):
        if np.shape(marks.get_offsets())[0] > DENSE:
            marks.set_rasterized(True)
    # omit the date, so that the same data give the same file
    figure.figure.savefig(svg, metadata={"Date": None})
    svg.write_text(_COORDINATES.sub(lambda match: _SURPLUS.sub("", match[0]), svg.read_text()))
    csv(figure.data).to_csv(table, index=False, float_format="%.7g")
    plt.close(figure.figure)
    return paths
