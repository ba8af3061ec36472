from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.statistics.comparisons import (
    Measured,
    cheapest_config,
    cost_ratios,
    equivalent_ratio,
    reached_by_both,
)
from support.random_configs import random_configs
from support.regrets import table


def test_costs_are_compared_at_the_finest_target_that_both_reach_and_a_coarser_one() -> None:
    """Both reach .01, the method after one trial and the reference after four; .1 at 1 and 3."""
    runs = {"new": [(0.01,) * 5] * 2, "old": [(0.5, 0.5, 0.05, 0.01, 0.001)] * 2}
    coarse, fine = cost_ratios(table(runs), "t", "new", "old")
    assert (coarse.target, fine.target) == (0.1, 0.01)
    assert (coarse.measured.value, fine.measured.value) == pytest.approx((1 / 3, 1 / 4))
    assert coarse.account == "found"
    assert coarse.found == coarse.measured


def test_targets_may_be_given_so_that_two_studies_are_compared_at_the_same_one() -> None:
    runs = {"new": [(0.01,) * 5] * 2, "old": [(0.5, 0.5, 0.05, 0.01, 0.001)] * 2}
    assert reached_by_both(table(runs), "t", "new", "old") == [0.01, 0.02, 0.05, 0.1]
    (ratio,) = cost_ratios(table(runs), "t", "new", "old", [0.05])
    assert (ratio.target, ratio.measured.value) == pytest.approx((0.05, 1 / 3))


def test_delivered_costs_decide_and_those_found_are_beside_them() -> None:
    rows = table({"new": [(0.1,)] * 2, "old": [(0.5, 0.1)] * 2}).assign(delivery=10.0)
    (ratio,) = cost_ratios(rows, "t", "new", "old")
    assert ratio.account == "delivered"
    assert (ratio.measured.value, ratio.found.value) == pytest.approx((2 / 3, 1 / 2))


def test_what_cannot_be_compared_is_one_line() -> None:
    rows = table({"new": [(0.5,)], "old": [(0.1,)]})
    with pytest.raises(ValueError, match="no runs of other on t"):
        cost_ratios(rows, "t", "other", "old")
    with pytest.raises(ValueError, match="half of the runs of new and old reach no target on t"):
        cost_ratios(rows, "t", "new", "old")


def test_k_is_compared_in_pairs_of_seeds() -> None:
    random = random_configs(np.arange(1, 101) / 100, best_loss=0.0)
    rows = table({"a": [(0.01,), (0.1,)], "b": [(0.02,), (0.2,)]}, test_recommended=0.0)
    ratio = equivalent_ratio(rows, "t", "a", "b", 1, random, "found")
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 2, 2))
    with pytest.raises(ValueError, match="runs of a on t ended before 3 trainings"):
        equivalent_ratio(rows, "t", "a", "b", 3, random, "found")


def test_the_best_config_at_the_lowest_fidelity_has_a_loss_at_the_target() -> None:
    maps = pd.DataFrame({
        "x": [0, 1, 2] * 2, "fidelity": [0.1] * 3 + [1.0] * 3,
        "loss": [0.3, 0.2, 0.4, 0.2, 0.5, 0.1], "cost": 1.0,
    })  # fmt: skip
    assert cheapest_config(maps) == (0.5, 0.1)


def test_a_number_is_written_with_its_interval_or_as_a_bound() -> None:
    assert Measured(0.152, 0.11, 0.231).text == "0.15 (0.11 to 0.23)"
    assert Measured(0.15, np.nan, np.nan).text == "0.15"
    assert Measured(0.77, 0.6, np.inf, ">").text == "> 0.77"
    assert Measured(np.nan, np.nan, np.nan, "?").text == "not known"
