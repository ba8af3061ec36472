from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.statistics.step_curves import busy_runs, clock_of, on_grid, within_budget

ROWS = pd.DataFrame({
    "seed": [0, 0, 0, 1, 1],
    "total_cost": [1.0, 2.0, 4.0, 2.0, 3.0],
    "total_overhead": [0.5, 1.0, 1.5, 0.0, 0.0],
    "regret": [0.5, 0.3, 0.1, 0.4, 0.2],
})  # fmt: skip


def test_a_value_holds_from_the_end_of_its_trial_to_the_next() -> None:
    steps = on_grid(ROWS, "regret", np.array([0.5, 1.0, 1.9, 2.0, 3.5, 9.0]))
    assert steps.seeds == (0, 1)
    assert steps.values[0].tolist() == [np.inf, 0.5, 0.5, 0.3, 0.3, 0.1]
    assert steps.values[1].tolist() == [np.inf, np.inf, np.inf, 0.4, 0.2, 0.2]


def test_runs_are_alive_until_their_last_trial_ends() -> None:
    steps = on_grid(ROWS, "regret", np.array([1.0, 3.0, 3.1, 4.0, 4.1]))
    assert steps.alive.tolist() == [2, 2, 1, 1, 0]


def test_overhead_can_be_on_the_clock() -> None:
    assert clock_of(ROWS, "cost").tolist() == [1, 2, 4, 2, 3]
    assert clock_of(ROWS, "cost + overhead").tolist() == [1.5, 3, 5.5, 2, 3]
    steps = on_grid(ROWS, "regret", np.array([2.0]), "cost + overhead")
    assert steps.values[:, 0].tolist() == [0.5, 0.4]


def test_what_crossed_the_budget_is_not_within_it_but_a_first_trial_stays() -> None:
    rows = ROWS.assign(task="t", method="m", budget=[2.0, 2.0, 2.0, 1.0, 1.0])
    assert within_budget(rows).index.tolist() == [0, 1, 3]
    assert len(within_budget(rows.assign(budget=np.nan))) == 5


def test_idle_workers_are_on_the_clock_of_machine_hours() -> None:
    rows = ROWS.assign(end=ROWS.total_cost, workers=4)
    assert clock_of(rows, "machine-hours").tolist() == [4, 8, 16, 8, 12]
    assert clock_of(rows, "wall-clock").tolist() == [1, 2, 4, 2, 3]


def test_a_run_on_a_busy_machine_counts_once() -> None:
    rows = ROWS.assign(task="t", method="m", load=[1.0, 1.0, 1.0, 2.0, 2.0])
    assert busy_runs(rows) == 1
    assert busy_runs(rows.drop(columns="load")) == 0
    assert busy_runs(rows.assign(load=np.nan)) == 0
