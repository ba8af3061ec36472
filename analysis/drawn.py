"""What every figure module returns: the figure, the numbers behind it, and what it says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Drawn(NamedTuple):
    """One figure of a report."""

    figure: Figure
    data: pd.DataFrame
    """what is drawn, nothing else: one row a mark"""
    caption: str
    """what to see, in a sentence or two; clock, incumbent rule and number of seeds"""


def save(drawn: Drawn, folder: Path, name: str) -> list[Path]:
    """Write ``<name>.png``, ``.svg`` and ``.csv`` and close the figure; returns their paths."""
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{kind}" for kind in ("png", "svg", "csv")]
    for path in paths[:2]:
        # without dates, so that the same numbers give the same files
        drawn.figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
    drawn.data.to_csv(paths[2], index=False, float_format="%.9g")
    plt.close(drawn.figure)
    return paths
