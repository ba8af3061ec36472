"""Choose the scale of an axis, and number logarithmic axes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis.data.load import Array

if TYPE_CHECKING:  # slow to import
    from matplotlib.axis import Axis

DECADES = 2.0
"""an axis is logarithmic if its values span more than this many powers of ten"""
PLAIN = (5e-4, 5e3)
"""limits of an axis within which its numbers are written out, without powers of ten"""


def scale_of(values: Array) -> str:
    """Return ``log`` if all finite values are positive and span more than ``DECADES``.

    Otherwise, return ``linear``.
    """
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() <= 0:
        return "linear"
    return "log" if np.log10(finite.max() / finite.min()) > DECADES else "linear"


def scale_for(rows: pd.DataFrame, name: str) -> str:
    """Return the scale of a hyperparameter, ``log`` or ``linear``.

    It is the scale in the search space if the runs record it, else that of ``scale_of``. A
    hyperparameter with a value of 0 or below is always on a linear scale.

    Args:
        rows: rows of the tidy table of one task.
        name: name of a numeric column ``config.<hyperparameter>``.
    """
    log_scale = str(rows["log_scale"].iloc[0])
    values = rows[name].to_numpy(dtype=float)
    if log_scale == "unknown":
        return scale_of(values)
    is_log = name.removeprefix("config.") in log_scale.split(",")
    return "log" if is_log and np.nanmin(values) > 0 else "linear"


def plain_log(axis: Axis, shown: tuple[float, float] | None = None) -> None:
    """Number a log axis sparsely, with plain numbers such as ``0.02`` unless they get too long.

    An axis of two decades or more has numbers at powers of ten, a shorter one also at 2 and 5
    times these, and one of less than a decade at all multiples. The default of matplotlib writes
    up to nine numbers per decade, such as 2 x 10^-2, which overlap.

    Args:
        axis: axis with a log scale and its final limits.
        shown: limits of the axis, up to a factor, if it does not have them yet (secondary axes).
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
