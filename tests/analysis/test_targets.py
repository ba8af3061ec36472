from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from analysis.targets import (
    allowed,
    average_costs,
    ecdf,
    ladder,
    ratios,
    reached,
    shown_targets,
    touched,
    unit_of,
    within_reach,
)

SERIAL = {"end": np.nan, "workers": 1}


def table(runs: dict[str, Sequence[Sequence[float]]], **constants: object) -> pd.DataFrame:
    """Runs by method, seed by seed: the regret after each trial, which costs 10 s."""
    rows = [
        {"method": method, "seed": seed, "trial": trial, "regret_recommended": regret,
         "total_cost": 10.0 * (trial + 1), "total_overhead": 1.0 * (trial + 1)}
        for method, regrets in runs.items()
        for seed, run in enumerate(regrets)
        for trial, regret in enumerate(run)
    ]  # fmt: skip
    facts = {"task": "t", "target_cost": 10.0, "loss_floor": 0.001} | SERIAL | constants
    return pd.DataFrame(rows).assign(**facts)


RUNS = {
    "random": [(0.5, 0.2, 0.05, 0.05), (np.inf, 0.5, 0.5, 0.5)],
    "ei": [(0.5, 0.05, 0.05, 0.05), (0.05,)],
}


def test_an_incumbent_that_leaves_the_target_again_was_not_there() -> None:
    runs = reached(table({"ei": [(0.5, 0.05, 0.3), (0.05, 0.5, 0.05), (0.5,)]}), "t", [0.1])
    assert runs.reached.to_list() == [False, True, False]
    assert runs.cost.to_list() == [30, 30, 10]
    assert runs["first"].to_list()[:2] == [20, 10]
    first = touched(runs)
    assert first.reached.to_list() == [True, True, False]
    assert first.cost.to_list() == [20, 10, 10]


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
    assert average_costs(reached(rows, "t", [0.0001])).empty


def test_no_truth_no_targets() -> None:
    rows = table({"ei": [(np.nan,)]})
    with pytest.raises(ValueError, match="not known"):
        reached(rows, "t", [0.1])
    with pytest.raises(ValueError, match="no trials"):
        reached(rows, "other", [0.1])


def test_art_is_all_cost_over_successes() -> None:
    costs = average_costs(reached(table(RUNS), "t", [0.1, 0.01])).set_index(["method", "target"])
    assert costs.loc[("random", 0.1), "art"] == 70
    assert costs.loc[("random", 0.1), "share"] == 0.5
    assert not costs.loc[("random", 0.1), "bound"]
    assert costs.loc[("ei", 0.1), "art"] == 15
    assert costs.loc[("ei", 0.1), ["low", "high"]].to_list() == [10, 20]
    assert costs.loc[("random", 0.1), "low"] == 30
    assert np.isinf(costs.loc[("random", 0.1), "high"])  # a quarter of resamples have no success
    assert np.isinf(costs.loc[("random", 0.01), "art"])
    assert costs.loc[("random", 0.01), "bound"]
    assert costs.loc[("random", 0.01), "at_least"] == 40


def test_one_run_has_no_interval() -> None:
    rows = table({"random": [(0.05,)], "ei": [(0.5, 0.05)]})
    runs = reached(rows, "t", [0.1])
    assert average_costs(runs)[["low", "high"]].isna().all(axis=None)
    row = ratios(runs).iloc[0]
    assert (row.method, row.reference, row.ratio, row.says) == ("random", "ei", 0.5, "0.5")
    assert np.isnan(row.low)


def test_ratios_are_paired_by_seed() -> None:
    # always half the cost, whatever the seed: no spread if paired
    slow = [[1.0] * (2 * n - 1) + [0.0] for n in range(1, 9)]
    quick = [[1.0] * (n - 1) + [0.0] for n in range(1, 9)]
    found = ratios(reached(table({"random": slow, "ei": quick}), "t", [0.1]), ["random"])
    assert found[["ratio", "low", "high"]].to_numpy().tolist() == [[0.5, 0.5, 0.5]]
    assert found.says.to_list() == ["0.5 (0.5 to 0.5)"]


def test_a_reference_may_have_overridden_options() -> None:
    rows = table({"random,task.x=1": [(0.05,)], "ei,task.x=1": [(0.05,)]})
    found = ratios(reached(rows, "t", [0.1]), ["random"])
    assert found[["method", "reference"]].to_numpy().tolist() == [
        ["ei,task.x=1", "random,task.x=1"]
    ]


def test_only_common_seeds_are_compared() -> None:
    rows = table({"random": [(0.05,), (1.0, 0.05)], "ei": [(0.05,)]})
    found = ratios(reached(rows, "t", [0.1]), ["random"])
    assert found.seeds.to_list() == [1]
    assert found.ratio.to_list() == [1]
    rows = rows[~((rows.method == "random") & (rows.seed == 0))]
    assert ratios(reached(rows, "t", [0.1]), ["random"]).empty


WELL = [(1.0, 0.0)] * 4  # 20 s
BADLY = [(1.0, 0.0), (1.0,) * 5, (1.0,) * 5, (1.0,) * 5]  # 42.5 s a run, one success
NEVER = [(1.0,) * 5] * 4  # 50 s


@pytest.mark.parametrize(
    ("method", "reference", "sign", "ratio"),
    [
        (BADLY, WELL, ">", 42.5 / 20),
        (NEVER, WELL, ">", 2.5),
        (WELL, BADLY, "<", 20 / 42.5),
        (WELL, NEVER, "<", 0.4),
        (WELL, WELL, "=", 1),
    ],
)
def test_under_half_there_are_only_bounds(
    method: Sequence[Sequence[float]], reference: Sequence[Sequence[float]], sign: str, ratio: float
) -> None:
    rows = table({"random": reference, "x": method})
    row = ratios(reached(rows, "t", [0.1]), ["random"]).iloc[0]
    assert row.sign == sign
    assert row.ratio == pytest.approx(ratio)
    assert row.low <= row.ratio <= row.high
    assert (row.low == 0) == (sign == "<")
    assert np.isinf(row.high) == (sign == ">")
    assert row.says.startswith(sign) == (sign != "=")


def test_both_under_half_say_nothing() -> None:
    row = ratios(reached(table({"random": NEVER, "x": BADLY}), "t", [0.1]), ["random"]).iloc[0]
    assert (row.sign, row.says) == ("?", "not known")
    assert np.isnan(row.ratio)


def test_resamples_without_any_success_widen_the_interval_both_ways() -> None:
    half = [(0.0,), (1.0, 1.0)]
    row = ratios(reached(table({"random": half, "x": half}), "t", [0.1]), ["random"]).iloc[0]
    assert (row.ratio, row.low) == (1, 0)
    assert np.isinf(row.high)


def test_the_bootstrap_is_seeded() -> None:
    runs = reached(table(RUNS), "t", [0.1])
    pd.testing.assert_frame_equal(ratios(runs), ratios(runs))
    other = average_costs(runs, np.random.default_rng(1), resamples=3)
    assert other.art.to_list() == average_costs(runs).art.to_list()


def test_ecdf_counts_pairs_of_run_and_target() -> None:
    steps = ecdf(reached(table(RUNS), "t", [0.3, 0.1]))
    random = steps[steps.method == "random"]
    assert random.cost.to_list() == [20, 30, 40]
    assert random.share.to_list() == [0.25, 0.5, 0.5]
    ei = steps[steps.method == "ei"]
    assert ei.cost.to_list() == [10, 20, 40]
    assert ei.share.to_list() == [0.5, 1, 1]
    never = ecdf(reached(table({"x": NEVER}), "t", [0.1]))
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
