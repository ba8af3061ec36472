"""The table of trials that were not ok, by task, method and reason."""

from __future__ import annotations

import pandas as pd

from analysis.data.failures import LONGEST, failures_in
from analysis.page.tables import Table


def failed_trials(table: pd.DataFrame) -> Table:
    """Tabulate the trials that were not ok: one row for each task, method and reason.

    Columns: ``task``, ``method``, ``trials`` (number of all trials of the method on the task),
    ``reason`` (status and error), ``not ok`` (number of trials with this reason).

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.

    Raises:
        ValueError: if all trials were ok.
    """
    rows = [
        {"task": each.task, "method": each.method, "trials": each.trials, "reason": reason,
         "not ok": count}
        for each in failures_in(table)
        for reason, count in each.reasons.items()
    ]  # fmt: skip
    if not rows:
        raise ValueError("all trials were ok")
    return Table(
        pd.DataFrame(rows),
        "Trials of the analysed runs that failed, took too long or diverged, with the error that "
        f"the task raised (its first {LONGEST} characters).",
    )
