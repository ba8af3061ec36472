"""What each run has to show at fixed budgets, by both accounts of the cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.data.load import Array
from analysis.data.random_configs import RandomConfigs
from analysis.statistics.average_costs import RESAMPLES, SEED, TAIL
from analysis.statistics.random_equivalent import equivalent
from analysis.statistics.regret_targets import deliveries_of, rows_of
from analysis.statistics.step_curves import clock_of

BUDGETS = (0.3, 1.0, 3.0, 10.0, 20.0)
"""budgets of the tables, in trainings of a good config"""
ROUNDING = 1 + 1e-9
"""what sums of costs may err by"""


def at_budgets(
    table: pd.DataFrame,
    task: str,
    random: RandomConfigs,
    budgets: Sequence[float] = BUDGETS,
    account: str = "found",
    clock: str = "cost",
) -> pd.DataFrame:
    """Judge each run at fixed budgets.

    ``found`` judges the recommendation when the budget is spent; ``delivered`` the latest one whose
    search cost, plus the target training that it still lacks then, is at most the budget. A budget
    below one training can deliver nothing, so ``delivered`` has no rows for it. Neither has a
    method of which a run ended before the budget was spent: it is not compared with those that
    went on.

    Args:
        table: tidy table, see ``analysis.data.tidy.tidy``; not cut.
        task: name of the task.
        random: random configs of the task, which have K and, where the runs do not know it, the
            unit.
        budgets: in trainings of a good config, rising.
        account: one of ``analysis.statistics.regret_targets.ACCOUNTS``.
        clock: one of ``analysis.statistics.step_curves.CLOCKS``.

    Returns:
        One row per method, seed and budget: ``method``, ``seed``, ``budget``, ``regret`` (infinite
        if nothing is recommended or delivered yet), ``test`` (test loss, NaN then), ``k``
        (random-search equivalent; 1 then), ``worse`` (1 if the test loss is above that of the
        untuned config: tuning has done harm; else 0; NaN where one of both is not known).

    Raises:
        ValueError: if the task has no rows, or if regrets or, for ``delivered``, costs of target
            trainings are not known.
    """
    rows = rows_of(table, task)
    missing = deliveries_of(rows) if account == "delivered" else pd.Series(0.0, rows.index)
    records: list[tuple[object, ...]] = []
    ends: dict[object, float] = {}
    idle = clock == "machine-hours"  # all workers are paid for while the last training ends
    possible = [budget for budget in budgets if account == "found" or budget >= 1]
    for (method, seed), run in rows.groupby(["method", "seed"], sort=True):
        times, training = clock_of(run, clock), good_cost_of(run, random)
        last_training = missing[run.index].to_numpy(dtype=float)
        ready = times + last_training * (run.workers.to_numpy(dtype=float) if idle else 1.0)
        spent = float(times[-1]) * ROUNDING / training
        ends[method] = min(spent, ends.get(method, np.inf))
        for budget in possible:
            last = latest(ready, budget * training * ROUNDING)
            known = last is not None
            records.append((
                method, seed, budget,
                float(run.regret_recommended.iloc[last]) if known else np.inf,
                float(run.test_recommended.iloc[last]) if known else np.nan,
            ))  # fmt: skip
    names = ["method", "seed", "budget", "regret", "test"]
    judged = pd.DataFrame(records, columns=names)
    judged = judged[judged.method.map(ends) >= judged.budget]
    judged = judged.reset_index(drop=True)
    return judged.assign(
        k=equivalent(random, judged.regret.to_numpy(dtype=float)),
        worse=np.where(
            np.isnan(judged.test - random.untuned_test_loss),
            np.nan,
            judged.test > random.untuned_test_loss,
        ),
    )


def good_cost_of(rows: pd.DataFrame, random: RandomConfigs) -> float:
    """Return what a training of a good config cost in a run, seconds.

    It differs from that of the random configs where ``task.hours_per_training`` scaled the costs.

    Args:
        rows: rows of the tidy table of one run.
        random: random configs of its task.
    """
    cost = float(rows.good_cost.iloc[0]) if "good_cost" in rows else np.nan
    return cost if cost > 0 else random.good_cost


def latest(ready: Array, budget: float) -> int | None:
    """Return the index of the latest recommendation that is ready within a budget, or None.

    Args:
        ready: cost until each recommendation is ready, seconds, shape ``(trials,)``; not sorted.
        budget: seconds.
    """
    within = np.flatnonzero(ready <= budget)
    return int(within[-1]) if within.size else None


def summarised(
    judged: pd.DataFrame, rng: np.random.Generator | None = None, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Summarise the runs of each method and budget.

    Args:
        judged: result of ``at_budgets``.
        rng: random generator of the bootstrap; by default one with a fixed seed.
        resamples: number of bootstrap resamples of whole runs.

    Returns:
        One row per method and budget: ``method``, ``budget``, ``runs``, ``k`` (geometric mean, with
        its 95 % percentile interval ``k_low`` to ``k_high``, NaN for a single run), ``regret`` and
        ``test`` (medians), ``worse`` (number of runs of which tuning has done harm, NaN if that is
        known of none) and ``compared`` (number of runs of which it is known).
    """
    rng = rng or np.random.default_rng(SEED)
    records = []
    for (method, budget), runs in judged.groupby(["method", "budget"], sort=True):
        logs, n = np.log(runs.k.to_numpy(dtype=float)), len(runs)
        means = rng.multinomial(n, np.full(n, 1 / n), size=resamples) @ logs / n
        low, high = np.exp(np.quantile(means, [TAIL, 1 - TAIL])) if n > 1 else (np.nan, np.nan)
        # nothing delivered is worse than any config
        regret, test = runs.regret.median(), runs.test.fillna(np.inf).median()
        worse = runs.worse.sum(min_count=1)
        records.append((
            method, budget, n, np.exp(logs.mean()), low, high, regret, test, worse,
            int(runs.worse.count()),
        ))  # fmt: skip
    names = [
        "method", "budget", "runs", "k", "k_low", "k_high", "regret", "test", "worse", "compared"
    ]  # fmt: skip
    return pd.DataFrame(records, columns=names)
