from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.regret_targets import (
    ACCOUNTS,
    LADDER,
    account_of,
    allowed,
    ecdf,
    ladder,
    of_scale,
    reached,
    shown_targets,
    unit_of,
    within_reach,
)
from support.regrets import RUNS, table


def test_an_incumbent_that_leaves_the_target_again_was_not_there() -> None:
    runs = reached(table({"ei": [(0.5, 0.05, 0.3), (0.05, 0.5, 0.05), (0.5,)]}), "t", [0.1])
    assert runs.reached.to_list() == [False, True, False]
    assert runs.cost.to_list() == [30, 30, 10]


def test_targets_within_reach_are_those_that_half_of_a_methods_runs_reached() -> None:
    rows = table({"a": [(0.04,), (0.015,), (1.0,)], "b": [(1.0,), (1.0,)]})
    assert within_reach(rows, "t") == [0.1, 0.05]
    assert within_reach(rows, "t", every=True) == []
    assert within_reach(rows[rows.method == "a"], "t", every=True) == [0.1, 0.05]
    assert shown_targets(rows, "t") == [0.1, 0.05, 0.02]
    assert shown_targets(table({"b": [(1.0,)]}), "t") == [0.1]


def test_a_run_gets_there_once_and_a_failure_spends_all_it_spent() -> None:
    runs = reached(table(RUNS), "t", [0.1]).set_index(["method", "seed"])
    assert runs.loc[("random", 0), ["reached", "cost", "trials", "spent"]].to_list() == [
        True, 30, 3, 40,
    ]  # fmt: skip
    assert runs.loc[("random", 1), ["reached", "cost", "trials"]].to_list() == [False, 40, 4]
    assert runs.loc[("ei", 0), ["reached", "cost", "spent"]].to_list() == [True, 20, 40]
    slower = reached(table(RUNS), "t", [0.1], "cost + overhead")
    assert slower.cost.to_list() == [22, 11, 33, 44]


def test_targets_below_three_examples_are_left_out() -> None:
    rows = table(RUNS, loss_floor=0.00005)
    assert allowed(rows, [0.0001, 0.0003, 0.1]) == [0.1, 0.0003]
    assert not len(reached(rows, "t", [0.0001]))


def test_no_truth_no_targets() -> None:
    rows = table({"ei": [(np.nan,)]})
    with pytest.raises(ValueError, match="not known"):
        reached(rows, "t", [0.1])
    with pytest.raises(ValueError, match="no trials"):
        reached(rows, "other", [0.1])


def test_ecdf_counts_pairs_of_run_and_target() -> None:
    steps = ecdf(reached(table(RUNS), "t", [0.3, 0.1]))
    random = steps[steps.method == "random"]
    assert random.cost.to_list() == [20, 30, 40]
    assert random.share.to_list() == [0.25, 0.5, 0.5]
    ei = steps[steps.method == "ei"]
    assert ei.cost.to_list() == [10, 20, 40]
    assert ei.share.to_list() == [0.5, 1, 1]
    never = ecdf(reached(table({"x": [(1.0,) * 5] * 4}), "t", [0.1]))
    assert never.to_numpy().tolist() == [["x", 50, 0]]


def test_ladder_runs_from_the_first_incumbents_to_three_examples() -> None:
    targets = ladder(table(RUNS), count=3)
    assert targets == pytest.approx([0.5, np.sqrt(0.5 * 0.006), 0.006])
    assert ladder(table(RUNS, loss_floor=0.0), count=2) == pytest.approx([0.5, 0.05])
    assert ladder(table({"x": [(np.inf,)]})) == []
    assert len(ladder(table({"x": [(0.001,)]}))) == 1


def test_the_unit_is_a_full_training_if_known() -> None:
    assert unit_of(table(RUNS)) == (10, "full trainings")
    assert unit_of(table(RUNS, target_cost=np.nan)) == (1, "seconds")


@pytest.mark.parametrize(
    ("final", "first", "lowest", "expected"),
    [
        (0.004, 0.3, 0.0, list(LADDER)),  # 0.005 to 0.1 say something
        (0.004, 0.3, 0.01, [0.1, 0.05, 0.02, 0.01]),
        (12.0, 900.0, 0.0, [500, 200, 100, 50, 20]),
        (1e-6, 1e-4, 0.0, [5e-5, 2e-5, 1e-5, 5e-6, 2e-6, 1e-6]),
        (1e-6, 1e-4, 1e-5, [5e-5, 2e-5, 1e-5]),
        (0.0, 5e4, 30.0, [5000, 2000, 1000, 500, 200, 100, 50]),
        (0.4, 0.4, 0.0, list(LADDER)),  # no run improves on its first incumbent
        (np.inf, np.nan, 0.0, list(LADDER)),
    ],
)
def test_targets_have_the_scale_of_the_task(
    final: float, first: float, lowest: float, expected: list[float]
) -> None:
    assert of_scale(LADDER, final, first, lowest) == expected


def test_delivery_adds_the_training_that_is_missing_when_the_target_is_reached() -> None:
    """The first recommendation that stays good is the second; its training is missing."""
    rows = table({"ei": [(0.5, 0.05, 0.05)], "random": [(0.5, 0.5, 0.5)]})
    rows["delivery"] = [10.0, 7.0, 0.0, 10.0, 10.0, 10.0]
    found, delivered = (reached(rows, "t", [0.1], account=each) for each in ACCOUNTS)
    assert found.cost.to_list() == [20, 30]
    assert delivered.cost.to_list() == [27, 30]
    assert delivered.reached.to_list() == found.reached.to_list() == [True, False]
    assert account_of(rows) == "delivered"
    assert account_of(rows.drop(columns="delivery")) == "found"


def test_the_unit_is_a_training_of_a_good_config_where_it_is_known() -> None:
    rows = table(RUNS)
    assert unit_of(rows.assign(good_cost=4.0)) == (4.0, "trainings")
    assert unit_of(rows.assign(good_cost=np.nan)) == (10.0, "full trainings")
    assert unit_of(rows.assign(target_cost=np.nan)) == (1.0, "seconds")


def test_targets_below_the_error_of_a_replay_are_left_out() -> None:
    rows = table(RUNS, resolution=0.03)
    assert allowed(rows, [0.1, 0.05, 0.02]) == [0.1, 0.05]
    assert ladder(rows)[-1] == pytest.approx(0.03)


def test_a_trial_that_ends_past_the_budget_does_not_count() -> None:
    rows = table({"ei": [(0.5, 0.5, 0.05)]}, budget=25.0)
    (run,) = reached(rows, "t", [0.1]).itertuples()
    assert (run.reached, run.cost, run.spent) == (False, 20, 20)
    (run,) = reached(rows.assign(budget=30.0), "t", [0.1]).itertuples()
    assert (run.reached, run.cost) == (True, 30)
