from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.average_costs import average_costs, ratios
from analysis.statistics.regret_targets import reached
from support.regrets import RUNS, table


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


def test_without_targets_there_is_nothing() -> None:
    assert average_costs(reached(table(RUNS, loss_floor=0.00005), "t", [0.0001])).empty
