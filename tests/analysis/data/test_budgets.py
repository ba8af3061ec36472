from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from analysis.data.budgets import (
    Columns,
    End,
    Limits,
    cut_of,
    cut_runs,
    sentence,
    smallest,
    units,
    within,
)
from analysis.data.load import load_runs
from support.traces import BUDGET, FACTS, write_run

NO_COST = FACTS | {"target_cost": None}


def budgets(**limits: Any) -> list[dict[str, Any]]:
    return [BUDGET | limits]


def columns(cost: list[float], **changes: list[float]) -> Columns:
    n, end = len(cost), np.cumsum(cost)
    values = {"trial": range(n), "nominal": [0] * n, "start": end - cost, "end": end} | changes
    arrays = {name: np.array(list(each), dtype=float) for name, each in values.items()}
    return Columns(cost=np.array(cost), **arrays)


def test_runs_with_one_budget_are_not_cut() -> None:
    assert smallest([BUDGET, BUDGET | {"nominal": None}], 5.0) is None
    assert cut_of([BUDGET], [End(20.0, None)], 5.0) is None


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({"trials": 20}, {"trials": 30}, Limits(trials=20)),
        ({"target_evaluations": 4}, {"target_evaluations": 9}, Limits(cost=20)),
        ({"target_evaluations": 4}, {"cost": 7.0}, Limits(cost=7)),
        ({"target_evaluations": 4, "target_cost": 1.0}, {"target_evaluations": 4}, Limits(cost=4)),
        ({"nominal": 3}, {"nominal": 2}, Limits(nominal=2)),
        ({"trainings": 3}, {"target_evaluations": 4}, Limits(cost=6)),
        ({"trials": 20}, {"target_evaluations": 4}, Limits(trials=20, cost=20)),
        ({"trials": 20, "target_evaluations": 9}, {"target_evaluations": 4}, Limits(20, 20)),
    ],
)
def test_the_smallest_budget_has_the_lowest_of_each_limit(
    one: dict[str, Any], other: dict[str, Any], expected: Limits
) -> None:
    assert smallest([one, other], 5.0, 2.0) == expected


@pytest.mark.parametrize(
    ("limits", "kept", "reason"),
    [
        (Limits(), 5, None),
        (Limits(trials=2), 2, "trials"),
        (Limits(trials=5), 5, None),
        (Limits(cost=4), 2, "cost"),
        (Limits(cost=4.1), 3, "cost"),
        (Limits(cost=10), 5, None),
        (Limits(cost=4, trials=1), 1, "trials"),
        (Limits(nominal=0.3), 3, "nominal"),
    ],
)
def test_the_trial_that_reaches_a_limit_is_kept(
    limits: Limits, kept: int, reason: str | None
) -> None:
    mask, why = within(columns([2.0] * 5, nominal=[0.1] * 5), limits)
    assert mask.tolist() == [True] * kept + [False] * (5 - kept)
    assert why == reason


def test_of_parallel_trials_those_are_kept_that_had_started_before() -> None:
    run = columns(
        [1.0, 2.0, 5.0, 1.0], trial=[0, 2, 1, 3], start=[0, 1, 0, 3.5], end=[1, 3, 5, 6]
    )  # fmt: skip
    assert within(run, Limits(cost=3))[0].tolist() == [True, True, True, False]
    assert within(run, Limits(trials=2))[0].tolist() == [True, False, True, False]


def test_a_raised_run_is_cut_to_what_it_was_before(tmp_path: Path) -> None:
    write_run(tmp_path / "t/m/seed-0", [0.5, 0.3, 0.2, 0.15], budgets=budgets(target_evaluations=4))
    raised = [*budgets(target_evaluations=4), *budgets(target_evaluations=6)]
    write_run(tmp_path / "t/m/seed-1", [0.5, 0.4, 0.3, 0.2, 0.15, 0.1], budgets=raised)
    write_run(tmp_path / "u/m/seed-0", [0.5], task="u", budgets=raised)
    (first, second, other), said = cut_runs(load_runs(tmp_path))
    assert said == (
        "Budgets differ, so runs are cut at the smallest one of their task: "
        "t at 4 target evaluations."
    )
    assert [len(run.rows) for run in (first, second, other)] == [4, 4, 1]
    assert [run.budget for run in (first, second, other)] == [20, 20, 30]
    assert [run.meta["stopped_by"] for run in (first, second)] == ["target_evaluations", "cost"]


def test_a_number_of_target_evaluations_cuts_all_tasks(tmp_path: Path) -> None:
    write_run(tmp_path / "t/m/seed-0", [0.5, 0.3, 0.2, 0.15])
    write_run(tmp_path / "t/m/seed-1", [0.5], budgets=budgets(target_evaluations=1))
    write_run(tmp_path / "u/m/seed-0", [0.5] * 3, task="u", task_facts=NO_COST)
    runs, said = cut_runs(load_runs(tmp_path), 2)
    assert [len(run.rows) for run in runs] == [2, 1, 3]
    assert said == (
        "Runs are cut at 2 target evaluations (budget=2). On t, 1 run ended before. "
        "Not cut, because the cost of a full training is not known: u."
    )
    assert sentence({}) is None


def test_without_a_target_cost_the_median_of_the_runs_units_counts(tmp_path: Path) -> None:
    for seed, unit in enumerate((4.0, 5.0, 9.0)):
        write_run(
            tmp_path / f"t/m/seed-{seed}", [0.5] * (seed + 2), task_facts=NO_COST, unit=unit,
            unit_from="the median cost", budgets=budgets(target_evaluations=seed + 1),
        )  # fmt: skip
    runs = load_runs(tmp_path)
    assert units(runs) == {"t": 5.0}
    assert [run.budget for run in runs] == [4, 10, 27]
    cut, said = cut_runs(runs)
    assert said is not None
    assert said.endswith("t at 1 target evaluations.")
    assert [len(run.rows) for run in cut] == [1, 1, 1]


def test_runs_ended_by_trials_are_compared_at_the_cost_that_all_reached(tmp_path: Path) -> None:
    """One run of two methods spends 20 s; a limit of three trials ends the other at 15 s."""
    write_run(tmp_path / "t/a/seed-0", [0.5, 0.3, 0.2, 0.15])
    ended = {"stopped_by": "trials", "budgets": budgets(trials=3)}
    write_run(tmp_path / "t/b/seed-0", [0.5, 0.4, 0.3], **ended)
    runs, said = cut_runs(load_runs(tmp_path))
    assert [len(run.rows) for run in runs] == [3, 3]
    assert [run.budget for run in runs] == [15, 15]
    assert said == (
        "A limit of trials ended some runs, so all are cut at the cost they reached: "
        "t at 3 target evaluations."
    )
    _, said = cut_runs(load_runs(tmp_path), 4)
    assert said is not None
    assert said.endswith("On t, 1 run ended before.")


def test_runs_limited_by_trials_alone_are_not_cut_by_cost(tmp_path: Path) -> None:
    alone = budgets(trials=3, target_evaluations=None)
    for method, costs in (("a", 1.0), ("b", 5.0)):
        ended = {"stopped_by": "trials", "budgets": alone}
        write_run(tmp_path / f"t/{method}/seed-0", [0.5] * 3, cost=costs, **ended)
    runs, said = cut_runs(load_runs(tmp_path))
    assert (said, [len(run.rows) for run in runs]) == (None, [3, 3])


def test_failed_runs_stay_as_they_are(tmp_path: Path) -> None:
    write_run(tmp_path / "t/m/seed-0", [0.5] * 4, status="failed", budgets=budgets(trials=1))
    write_run(tmp_path / "t/m/seed-1", [0.5] * 4)
    runs, said = cut_runs(load_runs(tmp_path))
    assert said is None
    assert [len(run.rows) for run in runs] == [4, 4]
