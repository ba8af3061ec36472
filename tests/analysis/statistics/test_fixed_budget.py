from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.fixed_budget import at_budgets, latest, summarised
from support.random_configs import random_configs
from support.regrets import table

RANDOM = random_configs(np.arange(1, 11) / 10, best_loss=0.1)


def judged(account: str, delivery: list[float], budgets: tuple[float, ...]) -> pd.DataFrame:
    """One run of four trials of 10 s, the cost of one training; its regret falls to 0."""
    rows = table({"a": [(0.9, 0.4, 0.1, 0.0)]}, test_recommended=0.5).assign(delivery=delivery)
    return at_budgets(rows, "t", RANDOM, budgets, account)


def test_found_judges_the_recommendation_when_the_budget_is_spent() -> None:
    found = judged("found", [10.0] * 4, (0.3, 1, 1.9, 4))
    assert found.regret.tolist() == [np.inf, 0.9, 0.9, 0.0]
    assert found.k.tolist() == [1, 1, 1, 10]


def test_delivered_leaves_room_for_the_missing_training() -> None:
    """At 2 trainings the first recommendation can be delivered, at 4 the third."""
    delivered = judged("delivered", [10.0] * 4, (0.3, 1, 2, 4))
    assert delivered.budget.tolist() == [1, 2, 4]
    assert delivered.regret.tolist() == [np.inf, 0.9, 0.1]
    assert delivered.test.isna().tolist() == [True, False, False]


def test_a_later_recommendation_may_be_ready_earlier() -> None:
    delivered = judged("delivered", [100.0, 100.0, 0.0, 5.0], (3, 3.5, 4))
    assert delivered.regret.tolist() == [0.1, 0.1, 0.1]
    assert latest(np.array([3.0, 1.0, 2.0]), 2.5) == 2
    assert latest(np.array([3.0]), 2.5) is None


def test_a_method_of_which_a_run_ended_early_is_not_judged() -> None:
    rows = table({"a": [(0.9, 0.4), (0.9,)], "b": [(0.9, 0.4)]}, test_recommended=0.5)
    found = at_budgets(rows, "t", RANDOM, (1, 2))
    assert list(zip(found.method, found.budget, strict=True)) == [
        ("a", 1),
        ("a", 1),
        ("b", 1),
        ("b", 2),
    ]


def test_the_cost_of_delivery_must_be_known() -> None:
    rows = table({"a": [(0.9, 0.4)]}, test_recommended=0.5)
    with pytest.raises(ValueError, match="delivering"):
        at_budgets(rows, "t", RANDOM, (1,), "delivered")
    with pytest.raises(ValueError, match="a target training on t"):
        at_budgets(rows.assign(delivery=np.nan), "t", RANDOM, (1,), "delivered")


def test_a_summary_averages_log_k_and_resamples_runs() -> None:
    rows = table({"a": [(0.9,), (0.0,)], "b": [(0.9,)]}, test_recommended=0.5)
    summary = summarised(at_budgets(rows, "t", RANDOM, (1,))).set_index("method")
    assert summary.k.tolist() == pytest.approx([np.sqrt(10), 1])
    assert (summary.k_low["a"], summary.k_high["a"]) == pytest.approx((1, 10))
    assert np.isnan(summary.k_low["b"])


def test_a_budget_counts_the_trainings_of_the_run_where_its_costs_were_scaled() -> None:
    """A training costs 20 s in this run: two trials of 10 s are one."""
    rows = table({"a": [(0.9, 0.4, 0.1, 0.0)]}, test_recommended=0.5, good_cost=20.0)
    assert at_budgets(rows, "t", RANDOM, (1, 2)).regret.tolist() == [0.4, 0.0]
    unknown = rows.assign(good_cost=np.nan)
    assert at_budgets(unknown, "t", RANDOM, (1, 2)).regret.tolist() == [0.9, 0.4]


def test_idle_workers_are_paid_for_while_the_last_training_ends() -> None:
    """After 10 s on two workers, 20 machine-seconds, a training of 10 s costs another 20."""
    rows = table({"a": [(0.9, 0.4, 0.1, 0.0)]}, test_recommended=0.5, delivery=10.0)
    rows = rows.assign(workers=2, end=rows.total_cost)
    delivered = at_budgets(rows, "t", RANDOM, (3.9, 4, 6), "delivered", "machine-hours")
    assert delivered.regret.tolist() == [np.inf, 0.9, 0.4]
    delivered = at_budgets(rows, "t", RANDOM, (2, 3), "delivered", "wall-clock")
    assert delivered.regret.tolist() == [0.9, 0.4]


def test_harm_is_counted_among_the_runs_that_delivered_a_config() -> None:
    """After two trials only ``a`` has delivered, in one of two runs, a config that is worse."""
    rows = table({"a": [(0.9, 0.4), (np.inf, 0.4)], "b": [(np.inf, 0.4)]}, delivery=0.0)
    rows["test_recommended"] = rows.regret_recommended.replace(np.inf, np.nan)
    untuned = random_configs(RANDOM.losses, untuned_test_loss=0.5)
    summary = summarised(at_budgets(rows, "t", untuned, (1,), "delivered")).set_index("method")
    assert (summary.worse["a"], summary.compared["a"]) == (1, 1)
    assert np.isnan(summary.worse["b"])
