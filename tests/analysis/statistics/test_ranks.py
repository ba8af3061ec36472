from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare, rankdata

from analysis.statistics.ranks import (
    average_ranks,
    critical_difference,
    friedman,
    regrets_at,
    task_ranks,
    wins,
)

# Demsar 2006, Table 6
DEMSAR = np.array([
    (4, 3, 2, 1), (1, 2, 3, 4), (4, 1, 2, 3), (4, 1, 3, 2), (4, 2, 3, 1), (1, 2.5, 4, 2.5),
    (3, 2, 4, 1), (2.5, 2.5, 4, 1), (4, 3, 2, 1), (2.5, 2.5, 2.5, 2.5), (4, 2.5, 1, 2.5),
    (3, 2, 4, 1), (4, 1, 2, 3), (3, 1, 4, 2),
])  # fmt: skip


def table(finals: Mapping[tuple[str, str], list[float]]) -> pd.DataFrame:
    """By task and method, seed by seed: regret after the second of two trials; 1 before."""
    rows = [
        {"task": task, "method": method, "seed": seed, "trial": trial, "total_cost": trial + 1.0,
         "total_overhead": 0.0, "budget": 2.0, "regret_recommended": (1.0, final)[trial]}
        for (task, method), values in finals.items()
        for seed, final in enumerate(values)
        for trial in (0, 1)
    ]  # fmt: skip
    return pd.DataFrame(rows)


TWO = table({("a", "x"): [0.1, 0.3], ("a", "y"): [0.2, 0.2], ("b", "x"): [0.1], ("b", "y"): [0.1]})


def test_demsars_example() -> None:
    found = friedman(DEMSAR.astype(float), ties=False)
    assert found.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.chi2 == pytest.approx(9.28, abs=0.005)
    assert found.f == pytest.approx(3.69, abs=0.005)
    assert 0.01 < found.p < 0.05
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, 0.10) == pytest.approx(1.12, abs=0.005)


def test_a_published_output_of_scmamp() -> None:
    # nine algorithms, two data sets: Friedman 11.733, Iman and Davenport 2.75, p 0.08697
    found = friedman(np.array([[1.0, 8, 6, 4, 7, 2, 5, 3, 9], [1, 6, 3, 9, 7, 2, 8, 4, 5]]))
    assert found.chi2 == pytest.approx(11.733, abs=5e-4)
    assert found.f == pytest.approx(2.75, abs=0.005)
    assert found.p == pytest.approx(0.08697, abs=5e-6)


def test_ties_are_corrected_as_in_scipy() -> None:
    values = np.random.default_rng(0).integers(0, 4, (8, 5)).astype(float)
    found = friedman(rankdata(values, axis=1))
    assert found.chi2 == pytest.approx(friedmanchisquare(*values.T).statistic)


def test_without_ties_both_formulas_agree() -> None:
    ranks = rankdata(np.random.default_rng(1).random((6, 4)), axis=1)
    assert friedman(ranks).chi2 == pytest.approx(friedman(ranks, ties=False).chi2)


def test_extremes() -> None:
    agreed = friedman(np.tile([1.0, 2.0, 3.0], (4, 1)))
    assert (agreed.f, agreed.p) == (np.inf, 0)
    tied = friedman(np.full((4, 3), 2.0))
    assert tied.p == 1
    assert np.isnan(friedman(np.array([[1.0, 2.0]])).p)


def test_critical_values_of_demsars_table_5() -> None:
    # no common factor: CD = q sqrt(k (k + 1) / 6 N)
    found = [critical_difference(k, 1) / np.sqrt(k * (k + 1) / 6) for k in range(2, 11)]
    assert found == pytest.approx(
        [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164], abs=1e-3
    )


def test_regret_is_read_off_at_shares_of_the_budget() -> None:
    found = regrets_at(TWO, (0.25, 0.5, 1.0), methods=["x"])
    first = found[(found.task == "a") & (found.seed == 0)]
    assert first.regret.to_list() == [np.inf, 1, 0.1]
    assert set(found.method) == {"x"}


def test_a_run_that_ended_early_keeps_its_last_incumbent() -> None:
    short = TWO[(TWO.method == "y") | (TWO.trial == 0)]
    found = regrets_at(short, (1.0,))
    assert found[found.method == "x"].regret.to_list() == [1, 1, 1]


def test_tasks_without_truth_are_left_out() -> None:
    unknown = TWO.assign(regret_recommended=TWO.regret_recommended.where(TWO.task == "a"))
    assert set(regrets_at(unknown).task) == {"a"}
    assert regrets_at(pd.DataFrame()).empty


def test_ranks_are_averaged_over_seeds_then_tasks() -> None:
    rows = table({
        ("a", "x"): [0.1, 0.1, 0.1, 0.3], ("a", "y"): [0.2] * 4,
        ("b", "x"): [0.2], ("b", "y"): [0.1],
    })  # fmt: skip
    found = average_ranks(rows, (0.25, 1.0)).set_index(["method", "share"])
    assert found.loc[("x", 0.25), "rank"] == 1.5  # neither has an incumbent
    assert found.loc[("x", 1.0), "rank"] == (1.25 + 2) / 2
    assert found.loc[("y", 1.0), "rank"] == (1.75 + 1) / 2
    assert found.pairs.unique().tolist() == [5]
    x = found.loc[("x", 1.0)]
    assert (1 + 2) / 2 <= x.low < x["rank"] < x.high


def test_only_pairs_that_all_methods_ran_are_ranked() -> None:
    rows = table({("a", "x"): [0.1, 0.1], ("a", "y"): [0.2], ("b", "x"): [0.1]})
    found = average_ranks(rows, (1.0,))
    assert found["rank"].to_list() == [1, 2]
    assert (found.tasks.iloc[0], found.pairs.iloc[0]) == (1, 1)
    assert found[["low", "high"]].isna().all(axis=None)
    assert average_ranks(table({("a", "x"): [0.1], ("b", "y"): [0.1]}), (1.0,)).empty
    assert task_ranks(rows).index.to_list() == ["a"]


def test_task_ranks_are_of_medians() -> None:
    assert task_ranks(TWO).to_numpy().tolist() == [[1.5, 1.5], [1.5, 1.5]]
    rows = table({("a", "x"): [0.1, 0.1, 9], ("a", "y"): [0.2, 0.2, 0.2]})
    assert task_ranks(rows).to_numpy().tolist() == [[1, 2]]


def test_a_tie_is_half_a_win() -> None:
    found = wins(TWO).set_index(["method", "rival"])
    assert found.loc[("x", "y")].to_list() == [0.5, pytest.approx(1 / 3), 3]
    rows = table({("a", "x"): [0.1, 0.1, 0.2], ("a", "y"): [0.2, 0.3]})
    found = wins(rows).set_index(["method", "rival"])
    assert found.loc[("x", "y")].to_list() == [1, 0, 2]
    assert found.loc[("y", "x"), "wins"] == 0
    assert wins(table({("a", "x"): [0.1]})).empty
