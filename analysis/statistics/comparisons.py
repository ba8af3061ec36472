"""Compare a method with a reference method on one task, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.data.random_configs import RandomConfigs
from analysis.statistics.average_costs import RESAMPLES, SEED, TAIL, ratios
from analysis.statistics.fixed_budget import at_budgets
from analysis.statistics.regret_targets import account_of, candidates, reached, rows_of

HALF = 0.5
COARSER = 10.0
"""how many times as coarse the second target is"""


class Measured(NamedTuple):
    """A measured number with its 95 % interval."""

    value: float
    low: float
    high: float
    sign: str = "="
    """``=``, or ``>`` or ``<`` if the value is a bound, or ``?`` if nothing is known"""

    @property
    def text(self) -> str:
        """The number and its interval, such as ``0.15 (0.11 to 0.23)``."""
        if self.sign == "?":
            return "not known"
        if self.sign != "=":
            return f"{self.sign} {_short(self.value)}"
        inside = f" ({_short(self.low)} to {_short(self.high)})" if self.low == self.low else ""
        return f"{_short(self.value)}{inside}"


def _short(value: float) -> str:
    return f"{value:,.0f}" if 100 <= value < float("inf") else f"{value:.2g}"


class CostRatio(NamedTuple):
    """The cost to a target of a method over that of a reference method."""

    target: float
    """regret"""
    account: str
    """one of ``analysis.statistics.regret_targets.ACCOUNTS``"""
    measured: Measured
    """the ratio by this account"""
    found: Measured
    """the ratio of the costs ``found``"""


def reached_by_both(table: pd.DataFrame, task: str, method: str, reference: str) -> list[float]:
    """Return the candidate targets that half of the runs of both methods reach for good, rising.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``; runs as long as they are.
        task: name of the task.
        method: name of the method.
        reference: name of the reference method.

    Raises:
        ValueError: if a method has no runs on the task, or half of the runs of both reach no
            target, or regrets are not known.
    """
    rows = rows_of(table, task)
    missing = {method, reference} - set(rows.method)
    if missing:
        raise ValueError(f"no runs of {' and '.join(sorted(missing))} on {task}")
    both = rows[rows.method.isin([method, reference])]
    runs = reached(both, task, candidates(rows))
    shares = runs.groupby(["target", "method"]).reached.mean().unstack()
    near = sorted(float(target) for target in shares.index[(shares >= HALF).all(axis=1)])
    if not near:
        raise ValueError(f"half of the runs of {method} and {reference} reach no target on {task}")
    return near


def cost_ratios(
    table: pd.DataFrame,
    task: str,
    method: str,
    reference: str,
    targets: Sequence[float] | None = None,
) -> list[CostRatio]:
    """Return the ratios of average costs to two targets; below 1 the method is cheaper.

    The targets are the lowest candidate that half of the runs of both methods reach for good, and
    the next one that is at least ten times as coarse. Costs are delivered where known.

    Args:
        table: as in ``reached_by_both``.
        task: name of the task.
        method: name of the method.
        reference: name of the reference method.
        targets: regrets that take the place of these two.

    Raises:
        ValueError: as in ``reached_by_both``.
    """
    near = reached_by_both(table, task, method, reference)
    coarse = [target for target in near if target >= COARSER * near[0] * (1 - 1e-9)]
    chosen = {near[0], *coarse[:1]} if targets is None else set(targets)
    rows = rows_of(table, task)
    both = rows[rows.method.isin([method, reference])]
    account = account_of(both)
    runs, until_found = (
        reached(both, task, sorted(chosen), account=name) for name in (account, "found")
    )

    def ratio(of: pd.DataFrame, target: float) -> Measured:
        row = ratios(of[of.target == target], (reference,)).iloc[0]
        return Measured(row.ratio, row.low, row.high, row.sign)

    return [
        CostRatio(target, account, ratio(runs, target), ratio(until_found, target))
        for target in sorted(chosen, reverse=True)
    ]


def equivalent_ratio(
    table: pd.DataFrame,
    task: str,
    method: str,
    reference: str,
    budget: float,
    random: RandomConfigs,
    account: str = "delivered",
) -> Measured:
    """Return the ratio of the random-search equivalents K of two methods at a budget.

    Runs are paired by seed. Above 1 the method is better.

    Args:
        table: as in ``cost_ratio``.
        task: name of the task.
        method: name of the method.
        reference: name of the reference method.
        budget: in trainings of a good config.
        random: random configs of the task.
        account: one of ``analysis.statistics.regret_targets.ACCOUNTS``.

    Raises:
        ValueError: if a run of a method ended before the budget was spent, or if regrets or costs
            of target trainings are not known.
    """
    judged = at_budgets(table, task, random, (budget,), account)
    logs = {name: np.log(runs.set_index("seed").k) for name, runs in judged.groupby("method")}
    for name in (method, reference):
        if name not in logs:
            raise ValueError(f"runs of {name} on {task} ended before {budget:g} trainings")
    return _exp_mean((logs[method] - logs[reference]).dropna().to_numpy(dtype=float))


def _exp_mean(logs: np.ndarray) -> Measured:
    """Return the geometric mean, with a bootstrap interval over runs."""
    n = len(logs)
    value = float(np.exp(logs.mean()))
    if n < 2:
        return Measured(value, np.nan, np.nan)
    draws = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
    low, high = np.exp(np.quantile(draws @ logs / n, [TAIL, 1 - TAIL]))
    return Measured(value, float(low), float(high))


def cheapest_config(maps: pd.DataFrame) -> tuple[float, float]:
    """Return the target loss of the config that is best at the lowest fidelity, and that fidelity.

    Args:
        maps: loss over a grid of configs at several fidelities, as ``benchmarks.figure_data``
            writes it.
    """
    names = [name for name in maps if name not in ("fidelity", "loss", "cost")]
    lowest, target = maps.fidelity.min(), maps.fidelity.max()
    cheap = maps[maps.fidelity == lowest].set_index(names).loss
    full = maps[maps.fidelity == target].set_index(names).loss
    return float(full[cheap.idxmin()]), float(lowest)
