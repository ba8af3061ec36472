"""Pick the median run of a method, for figures that draw a single run."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.data.tidy import RULES
from analysis.statistics.step_curves import within_budget

ORDER = (*(f"regret_{rule}" for rule in RULES), *(f"test_{rule}" for rule in RULES))
"""columns that rank the runs; the first one with a finite value for any run is used"""


def median_seed(rows: pd.DataFrame) -> int:
    """Return the seed of the median run by final regret of the recommended config.

    If this is not known for any run, runs are ranked by the next column in ``ORDER`` or, if all
    are unknown, by the lowest observed loss. Runs without a value rank last. For an even number of
    runs, the better one of the middle pair is returned; ties go to the smaller seed.

    Args:
        rows: rows of the tidy table of one method on one task.
    """
    trials = within_budget(rows)  # the same trials as in the tables of a report
    last = trials.groupby("seed").tail(1).set_index("seed").sort_index()
    for column in ORDER:
        values = last[column].to_numpy(dtype=float)
        if np.isfinite(values).any():
            break
    else:
        values = trials.groupby("seed")["loss"].min().sort_index().to_numpy(dtype=float)
    order = np.argsort(np.nan_to_num(values, nan=np.inf), kind="stable")
    return int(last.index[order[(len(order) - 1) // 2]])
