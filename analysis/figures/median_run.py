"""Which run stands for all runs of a method."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.data.tidy import RULES
from analysis.statistics.step_curves import within_budget

# by what the median run is chosen: the first of these that any of the runs has
ORDER = (*(f"regret_{rule}" for rule in RULES), *(f"test_{rule}" for rule in RULES))


def median_seed(rows: pd.DataFrame) -> int:
    """The seed of the median run by regret of the config recommended at the end of the budget.

    Where that is known of no run, by the first of ``ORDER`` that is, in the end by the lowest loss
    seen. Runs without a value count as worst; of an even number the better of the two in the
    middle is taken, of equal ones that with the smaller seed.

    Args:
        rows: of the tidy table, one task and one method.
    """
    counted = within_budget(rows)  # as in every table; trials are in the order of their ends
    last = counted.groupby("seed").tail(1).set_index("seed").sort_index()
    for column in ORDER:
        values = last[column].to_numpy(dtype=float)
        if np.isfinite(values).any():
            break
    else:
        values = counted.groupby("seed")["loss"].min().sort_index().to_numpy(dtype=float)
    order = np.argsort(np.nan_to_num(values, nan=np.inf), kind="stable")
    return int(last.index[order[(len(order) - 1) // 2]])
