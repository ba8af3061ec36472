"""Slide 33 of the talk (SigOpt, GTC 2019, S9313) measured: what reaching a target costs.

The talk's own figures are a frame of their own: they are products of assumed numbers of
observations, not measurements of ours, and no column holds both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.statistics.regret_targets import reached, unit_of

PRICE = 0.90  # USD an hour: AWS p2.xlarge, as in the talk
WORKERS = 20  # machines, as in the talk
HOUR = 3600.0  # seconds
COUNTERPARTS = {
    "SigOpt Multitask": ("multitask", "sigopt", "mtbo_talk", "mtbo"),
    "Bayesian": ("ei",),
    "Random": ("random",),
}
"""ours that each of the talk's methods may be compared with, the first that has runs"""
QUARTILES = {"q25": 0.25, "median": 0.5, "q75": 0.75}

MEASURED_NOTE = (
    "Median over runs with quartiles, until the incumbent was at the target for good; a run that "
    "did not get there counts as above all others, and where a quartile falls on one, '>' gives "
    "the same quartile of what the runs had spent by then."
)
IDEAL_NOTE = (
    " Runs were serial: the ideal wall-clock is cost over the number of workers, an assumption "
    "(no worker ever waits, and methods suggest as well with other trials pending)."
)
PARALLEL_NOTE = (
    " Wall-clock of parallel runs is read off their clock: it is measured. Their cost and price "
    "include what other trials had cost by then that were still running."
)
TALK_NOTE = (
    "As stated in the talk. Numbers of observations are assumed: no run of the Bayesian or of the "
    "random method is shown, nor any repetition. So 1.7 % (832 over 48,838 USD) and 58 times "
    "(54,264 over 924 h) are ratios of assumptions. 220 observations may be a count in units of a "
    "full training: with the mean cost of the open-source task mix they are about 543 trials."
)


def measured(
    table: pd.DataFrame,
    task: str,
    target: float,
    price: float = PRICE,
    workers: int = WORKERS,
    clock: str = "cost",
    rule: str = "recommended",
) -> pd.DataFrame:
    """What reaching a regret took each method, from its runs alone.

    Quartiles are order statistics, the mean of two where a share falls between them. Where fewer
    runs got there, nothing is assumed of the others but that they need more than they had spent:
    the value is that quartile with what they had spent in their place, a lower bound, marked by
    ``<quartile>_bound``.

    Args:
        table: as ``analysis.data.tidy.tidy`` makes it.
        task: its name.
        target: a regret of at least three validation examples.
        price: of an hour of cost, USD.
        workers: that share the work of serial runs, ideally.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.
        rule: one of ``analysis.data.tidy.RULES``.

    Returns:
        One row a method and ``quantity`` (``observations``, trials at any fidelity; ``cost``,
        hours; ``price``, USD; ``ideal wall-clock``, hours on ``workers``, or, of runs that were
        parallel, ``wall-clock`` as measured on theirs): ``unit``, ``q25``, ``median``, ``q75`` and
        their ``_bound``; ``runs``, ``successes``, ``share``.

    Raises:
        ValueError: the target is below three validation examples, or the task has no runs.
    """
    runs = reached(table, task, (target,), clock, rule)
    training, what = unit_of(table[table.task == task])
    if not len(runs):
        raise ValueError(f"a regret of {target:g} on {task} is below three validation examples")
    found = []
    for method, group in runs.groupby("method", sort=True):
        hit = group.reached.to_numpy(dtype=bool)
        hours = group.cost.to_numpy(dtype=float) / HOUR
        quantities = (
            ("observations", "trials", group.trials.to_numpy(dtype=float)),
            *([("cost", what, hours * HOUR / training)] if training != 1 else []),
            ("cost", "h", hours),
            ("price", "USD", hours * price),
            _wall_clock(group, hours, workers),
        )
        for quantity, unit, values in quantities:
            row = {"method": method, "quantity": quantity, "unit": unit}
            counts = {"runs": len(hit), "successes": int(hit.sum()), "share": float(hit.mean())}
            found.append(row | _quartiles(values, hit) | counts)
    return pd.DataFrame(found)


def _wall_clock(group: pd.DataFrame, hours: Array, workers: int) -> tuple[str, str, Array]:
    """Name, unit and values, of one method's runs."""
    if group.wall.notna().all():
        used = int(group.workers.max())
        return "wall-clock", f"h on {used} worker{'s' * (used > 1)}", group.wall.to_numpy() / HOUR
    return "ideal wall-clock", f"h on {workers} workers", hours / workers


def measured_note(rows: pd.DataFrame) -> str:
    """What a table of ``measured`` needs said of it, given its rows of the tidy table."""
    parallel = rows.workers > 1
    ideal = "" if parallel.all() else IDEAL_NOTE
    return MEASURED_NOTE + ideal + (PARALLEL_NOTE if parallel.any() else "")


def counterparts(methods: Iterable[str]) -> dict[str, str]:
    """The talk's figures in words, by the method of ours that each may be compared with."""
    there, found = set(methods), {}
    for row in talk().itertuples():
        ours = next((name for name in COUNTERPARTS[row.method] if name in there), None)
        if ours is not None:
            figures = [f"{row.talk_observations:,.0f} observations", f"{row.talk_hours:,.0f} h"]
            if row.talk_usd == row.talk_usd:
                figures.append(f"{row.talk_usd:,.0f} USD")
            if row.talk_wall_clock_hours == row.talk_wall_clock_hours:
                figures.append(f"{row.talk_wall_clock_hours:.0f} h on {WORKERS}")
            found[ours] = f"{row.method}: {', '.join(figures)}"
    return found


def written(values: pd.DataFrame) -> pd.DataFrame:
    """What ``measured`` returned in words: one row a method, one column a quantity with its unit.

    ``37 (30 to > 61)`` is the median and both quartiles, ``>`` a lower bound.
    """
    found: dict[str, dict[str, str]] = {}
    for row in values.to_dict("records"):
        parts = [
            ("> " if row[f"{name}_bound"] else "") + number(row[name])
            for name in ("median", "q25", "q75")
        ]
        cells = found.setdefault(row["method"], {"method": row["method"]})
        cells[f"{row['quantity']} [{row['unit']}]"] = "{} ({} to {})".format(*parts)
        cells["runs there"] = f"{row['successes']} of {row['runs']} ({row['share']:.0%})"
    return pd.DataFrame(list(found.values())).fillna("")


def talk() -> pd.DataFrame:
    """The talk's own figures, slides 28, 32 and 33, and how each is derived; none is measured here.

    Returns:
        One row a method: ``talk_observations``, ``talk_hours`` (of full trainings, 4.2 h each),
        ``talk_wall_clock_hours`` (on 20 machines), ``talk_usd`` (at 0.90 USD/h; NaN where the talk
        gives none), ``derivation``.
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
    """An order statistic or, where the share falls between two, their mean (NumPy's
    ``averaged_inverted_cdf``, which makes NaN of infinite ones).
    """
    ordered = np.sort(values)
    place = len(ordered) * share
    low, high = int(np.ceil(place)) - 1, int(np.floor(place))
    return float((ordered[low] + ordered[high]) / 2)


def number(value: float, digits: int = 3) -> str:
    """A positive number in words: whole from 100 on, else with so many digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.{digits}g}"
