"""When an axis is logarithmic, and how a short logarithmic one is numbered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.data.load import Array

if TYPE_CHECKING:  # slow to import
    from matplotlib.axis import Axis

DECADES = 2.0
"""an axis is logarithmic if positive values span more than this many powers of ten"""
PLAIN = (5e-4, 5e3)
"""limits between which numbers are written out"""


def scale_of(values: Array) -> str:
    """``log`` if all finite values are positive and span more than ``DECADES``, else ``linear``."""
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() <= 0:
        return "linear"
    return "log" if np.log10(finite.max() / finite.min()) > DECADES else "linear"


def scale_for(rows: pd.DataFrame, name: str) -> str:
    """``log`` or ``linear``: the scale of a hyperparameter in its space, where the runs say it,
    else by ``scale_of``.

    Args:
        rows: of the tidy table, one task.
        name: of a column, ``config.<hyperparameter>``, of numbers.
    """
    said = str(rows["log_scale"].iloc[0])
    values = rows[name].to_numpy(dtype=float)
    if said == "unknown":
        return scale_of(values)
    named = name.removeprefix("config.") in said.split(",")
    return "log" if named and np.nanmin(values) > 0 else "linear"


def plain_log(axis: Axis, shown: tuple[float, float] | None = None) -> None:
    """Number a log axis sparsely, and plainly: ``0.02`` unless numbers get too long for that.

    At powers of ten only or, where it shows less than two decades, also at 2 and 5 times them and,
    where less than one, at all multiples (matplotlib's default writes up to nine numbers a decade,
    one over the other, as 2 x 10^-2).

    Args:
        axis: with a log scale and its final limits.
        shown: its limits, up to a factor, where it does not know them yet (a secondary axis).
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(shown or axis.get_view_interval())
    axis.set_minor_formatter(NullFormatter())
    if low <= 0:
        return
    decades = np.log10(high / low)
    if decades < DECADES:
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if decades > 1 else range(1, 10)))
    if PLAIN[0] <= low and high <= PLAIN[1]:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.4g}"))
