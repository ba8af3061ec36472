"""Measured counterpart of slide 33 of the SigOpt talk (GTC 2019, S9313): costs to reach a target.

The numbers of the talk are computed from assumed numbers of observations. They are kept in a table
of their own, and no column mixes them with measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.page.prices import PRICE, WORKERS
from analysis.statistics.regret_targets import reached, unit_of

HOUR = 3600.0  # seconds
COUNTERPARTS = {
    "SigOpt Multitask": ("multitask", "sigopt"),
    "Bayesian": ("ei",),
    "Random": ("random",),
}
"""methods of this suite that correspond to each method of the talk; the first with runs is used"""
QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}

MEASURED_NOTE = (
    "Cells are the median over runs (lower to upper quartile). A run that did not reach the target "
    "needs more than it spent: where a quartile falls on such a run, '>' marks a lower bound, the "
    "same quartile of what all runs had spent."
)
IDEAL_NOTE = (
    " The runs had one worker each. The ideal wall-clock is their cost divided by the number of "
    "workers: it assumes that no worker ever waits, and that a method suggests equally well while "
    "other trials are running."
)
PARALLEL_NOTE = (
    " The wall-clock of runs with several workers is measured, on the clock of the run. Their cost "
    "includes what the trials that were still running had cost by then. Their price is that of all "
    "workers for the wall-clock, idle ones included."
)
TALK_NOTE = (
    "All numbers are those of the talk. It assumes the numbers of observations: it shows no run of "
    "the Bayesian or of the random method, and it repeats no run. So its 1.7 % (832 of 48,838 USD) "
    "and its 58 times (54,264 against 924 h) are ratios of assumptions. Its 220 observations may "
    "be counted in full trainings; with the mean cost of a trial of the open-source code, they are "
    "about 543 trials."
)


def measured(
    table: pd.DataFrame,
    task: str,
    target: float,
    price: float = PRICE,
    workers: int = WORKERS,
    clock: str = "cost",
    rule: str = "recommended",
    account: str = "found",
) -> pd.DataFrame:
    """Measure the effort of each method to reach a regret target: quartiles over its runs.

    Quartiles are order statistics, or the mean of two where a quartile falls between them. A run
    that did not reach the target needs more than it spent, but how much more is not known. If a
    quartile falls on such a run, the value is the quartile with the spent amounts in place of the
    unknown ones. It is a lower bound, marked by ``<quartile>_bound``.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``.
        task: name of the task.
        target: a regret, not below the lowest one that means something.
        price: price of one hour of evaluation cost in USD.
        workers: number of workers among which the cost of a serial run is divided.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.
        account: one of ``analysis.statistics.regret_targets.ACCOUNTS``.

    Returns:
        One row per method and ``quantity``: ``trials`` (at any fidelity, without a unit), ``cost``
        (in full trainings, if their cost is known, and in hours), ``price`` (USD), and ``ideal
        wall-clock`` (hours on ``workers``) or, for parallel runs, ``wall-clock`` (measured, hours).
        Columns: ``method``, ``quantity``, ``unit``, the quartiles ``q25``, ``median``, ``q75`` and
        ``<quartile>_bound``, ``runs``, ``successes``, ``share`` (successes per run, in [0, 1]).

    Raises:
        ValueError: if the target is below the lowest that means something (three validation
            examples, or the replay's error), if the task has no runs, or
            if the regret is not known.
    """
    runs = reached(table, task, (target,), clock, rule, account)
    training, unit_name = unit_of(table[table.task == task])
    if not len(runs):
        raise ValueError(
            f"a regret of {target:g} on {task} is below three validation examples or the error of "
            "the replay"
        )
    records = []
    for method, group in runs.groupby("method", sort=True):
        hit = group.reached.to_numpy(dtype=bool)
        hours = group.cost.to_numpy(dtype=float) / HOUR
        quantities = (
            ("trials", "", group.trials.to_numpy(dtype=float)),
            *([("cost", unit_name, hours * HOUR / training)] if training != 1 else []),
            ("cost", "h", hours),
            ("price", "USD", _machine_hours(group, hours) * price),
            _wall_clock(group, hours, workers),
        )
        for quantity, unit, values in quantities:
            row = {"method": method, "quantity": quantity, "unit": unit}
            counts = {"runs": len(hit), "successes": int(hit.sum()), "share": float(hit.mean())}
            records.append(row | _quartiles(values, hit) | counts)
    return pd.DataFrame(records)


def _machine_hours(group: pd.DataFrame, hours: Array) -> Array:
    """Return what is paid for, hours: all workers until the end, idle ones, too; else the cost."""
    if group.wall.notna().all():
        return np.asarray(group.workers.to_numpy() * group.wall.to_numpy() / HOUR, dtype=float)
    return hours


def _wall_clock(group: pd.DataFrame, hours: Array, workers: int) -> tuple[str, str, Array]:
    """Return the name, unit and values of the wall-clock of the runs of one method."""
    if group.wall.notna().all():
        used = int(group.workers.max())
        return "wall-clock", f"h on {used} worker{'s' * (used > 1)}", group.wall.to_numpy() / HOUR
    return "ideal wall-clock", f"h on {workers} workers", hours / workers


def measured_note(rows: pd.DataFrame) -> str:
    """Return the notes for the caption of a table of ``measured``.

    Args:
        rows: rows of the tidy table that it is computed from.
    """
    parallel = rows.workers > 1
    ideal = "" if parallel.all() else IDEAL_NOTE
    return MEASURED_NOTE + ideal + (PARALLEL_NOTE if parallel.any() else "")


def counterparts(methods: Iterable[str]) -> dict[str, str]:
    """Return the numbers of the talk as text, by the corresponding method of this suite."""
    names, texts = set(methods), {}
    for row in talk().itertuples():
        ours = next((name for name in COUNTERPARTS[row.method] if name in names), None)
        if ours is not None:
            figures = [f"{row.talk_observations:,.0f} observations", f"{row.talk_hours:,.0f} h"]
            if row.talk_usd == row.talk_usd:
                figures.append(f"{row.talk_usd:,.0f} USD")
            if row.talk_wall_clock_hours == row.talk_wall_clock_hours:
                figures.append(f"{row.talk_wall_clock_hours:.0f} h on {WORKERS}")
            texts[ours] = f"{row.method}: {', '.join(figures)}"
    return texts


def as_text(values: pd.DataFrame) -> pd.DataFrame:
    """Format the result of ``measured``: one row per method, one column per quantity and unit.

    A cell such as ``37 (30 to > 61)`` holds the median and both quartiles; ``>`` marks a lower
    bound.
    """
    lines: dict[str, dict[str, str]] = {}
    for row in values.to_dict("records"):
        parts = [
            ("> " if row[f"{name}_bound"] else "") + number(row[name])
            for name in ("median", "q25", "q75")
        ]
        cells = lines.setdefault(row["method"], {"method": row["method"]})
        unit = f" [{row['unit']}]" if row["unit"] else ""
        cells[f"{row['quantity']}{unit}"] = "{} ({} to {})".format(*parts)
        cells["runs that reached it"] = f"{row['successes']} of {row['runs']} ({row['share']:.0%})"
    return pd.DataFrame(list(lines.values())).fillna("")


def talk() -> pd.DataFrame:
    """Return the numbers on slides 28, 32 and 33 of the talk and how they are derived.

    Returns:
        One row per method: ``method``, ``talk_observations``, ``talk_hours`` (of full trainings of
        4.2 h), ``talk_wall_clock_hours`` (on 20 machines), ``talk_usd`` (at 0.90 USD/h),
        ``derivation``. NaN where the talk gives no number.
    """
    rows: Sequence[tuple[str, float, float, float, float, str]] = (
        ("SigOpt Multitask", 220, 924, 46, 832,
         "220 observations x 4.2 h = 924 h (slide 32: 928 h); / 20 machines = 46 h (slide 32: "
         "45 h); x 0.90 USD/h = 832 USD"),
        ("Bayesian", 646, 2713, np.nan, np.nan,
         "646 observations, assumed, x 4.2 h = 2,713 h"),
        ("Random", 12920, 54264, np.nan, 48838,
         "646 x 20 = 12,920 observations, assumed, x 4.2 h = 54,264 h; x 0.90 USD/h = 48,838 USD"),
    )  # fmt: skip
    names = ["method", "talk_observations", "talk_hours", "talk_wall_clock_hours", "talk_usd"]
    return pd.DataFrame(rows, columns=[*names, "derivation"])


def _quartiles(values: Array, hit: Array) -> dict[str, object]:
    row: dict[str, object] = {}
    for name, share in QUARTILES.items():
        value = _quantile(np.where(hit, values, np.inf), share)
        bound = bool(np.isinf(value))
        row |= {name: _quantile(values, share) if bound else value, f"{name}_bound": bound}
    return row


def _quantile(values: Array, share: float) -> float:
    """Return an order statistic or, if the share falls between two, their mean.

    This is ``averaged_inverted_cdf`` of NumPy, which returns NaN for infinite values.
    """
    ordered = np.sort(values)
    position = len(ordered) * share
    low, high = int(np.ceil(position)) - 1, int(np.floor(position))
    return float((ordered[low] + ordered[high]) / 2)


def number(value: float, digits: int = 3) -> str:
    """Format a positive number with significant digits, or as a whole number from 100 on."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}g}"
