from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from analysis.data.delivery import delivery
from analysis.data.load import Run
from support.rows import run_meta, trial_row

A, B = {"x": 0.1}, {"x": 0.2}


def run(*rows: dict[str, Any], resumable: bool = False) -> Run:
    made = [trial_row(number, **row) for number, row in enumerate(rows)]
    return Run(Path("t/m/seed-0"), run_meta(task_facts={"resumable": resumable}), made)


def row(config: dict[str, float], fidelity: float, cost: float, **changes: Any) -> dict[str, Any]:
    return {"config": config, "fidelity": fidelity, "cost": cost, "recommended": A} | changes


def test_a_config_trained_at_the_target_costs_nothing_more() -> None:
    rows = [row(A, 0.5, 4, recommended_cost=10.0), row(A, 1.0, 9, recommended_cost=10.0)]
    found = delivery(run(*rows))
    assert found.cost.tolist() == [10, 0]
    assert not found.estimated


def test_a_failed_training_at_the_target_does_not_count() -> None:
    rows = [row(A, 0.5, 4, recommended_cost=10.0)]
    rows += [row(A, 1.0, 9, recommended_cost=10.0, status="failed", loss=None)]
    assert delivery(run(*rows)).cost.tolist() == [10, 10]


def test_a_continued_training_lacks_the_rest() -> None:
    rows = [row(A, f, 2, recommended_cost=10.0) for f in (0.25, 0.5)]
    assert delivery(run(*rows, resumable=True)).cost.tolist() == [8, 6]
    assert delivery(run(*rows)).cost.tolist() == [10, 10]


def test_where_the_task_does_not_know_its_costs_they_are_extrapolated() -> None:
    found = delivery(run(row(A, 0.5, 4), row(B, 0.25, 1), row(B, 0.5, 3, recommended=B)))
    assert found.cost.tolist() == [8, 8, 6]
    assert found.estimated
    unknown = delivery(run(row(A, 0.5, 4, recommended={"x": 0.9}), row(A, 1, 8, recommended=None)))
    assert np.isnan(unknown.cost).all()
