from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.figures.median_run import ORDER, median_seed
from analysis.figures.scales import scale_of


def runs(column: str, values: dict[int, float]) -> pd.DataFrame:
    table = pd.DataFrame({"seed": list(values), "trial": 1, "loss": list(values.values())})
    for name in ORDER:
        table[name] = list(values.values()) if name == column else np.nan
    first = table.assign(trial=0, **dict.fromkeys(ORDER, 0.0))
    both = pd.concat([first, table], ignore_index=True)
    return both.assign(task="t", method="m", total_cost=1.0 + both.trial, budget=2.0)


def test_what_crossed_the_budget_does_not_count() -> None:
    table = runs("regret_recommended", {1: 0.1, 2: 0.2, 3: 0.3})
    late = table[table.trial == 1].assign(trial=2, total_cost=3.0)
    late["regret_recommended"] = [0.2, 0.1, 0.3]
    assert median_seed(pd.concat([table, late], ignore_index=True)) == 2


@pytest.mark.parametrize("column", ["regret_recommended", "regret_best_seen", "loss"])
def test_the_median_run_by_the_final_value_of_what_is_known(column: str) -> None:
    assert median_seed(runs(column, {3: 0.1, 1: 0.3, 2: 0.2})) == 2


def test_runs_without_a_value_are_worst_and_of_two_the_better_is_taken() -> None:
    assert median_seed(runs("regret_recommended", {0: np.inf, 1: 0.1, 2: np.nan, 3: 0.2})) == 3
    assert median_seed(runs("regret_recommended", {7: np.inf})) == 7


def test_only_positive_values_over_more_than_two_decades_are_logarithmic() -> None:
    assert scale_of(np.array([0.001, 1.0, np.nan])) == "log"
    assert scale_of(np.array([0.01, 1.0])) == "linear"
    assert scale_of(np.array([0.0, 1000.0])) == "linear"
    assert scale_of(np.array([np.nan])) == "linear"
