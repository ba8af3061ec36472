from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from analysis.data.load import cost_to_reach, load_runs, value_at
from analysis.data.run_metadata import metadata_of
from analysis.data.tidy import tidy
from support.traces import BUDGET, FACTS, write_run


def test_regret_is_floored_and_infinite_without_an_incumbent(tmp_path: Path) -> None:
    write_run(tmp_path / "t" / "m" / "seed-0", [None, 0.3, 0.10005])
    (run,) = load_runs(tmp_path)
    assert run.method == "m"
    assert run.regret == pytest.approx(np.array([np.inf, 0.2, 1e-4]))
    assert list(run.cost) == [5, 10, 15]
    assert run.budget == 20


def test_a_run_without_a_known_optimum_has_no_regret(tmp_path: Path) -> None:
    write_run(tmp_path / "r", [0.3], task_facts=FACTS | {"best_loss": None})
    assert np.isnan(load_runs(tmp_path)[0].regret).all()


def test_the_budget_is_the_lower_limit_or_what_was_spent(tmp_path: Path) -> None:
    for name, budget, expected in (
        ("a", {"cost": 7.0}, 7.0),
        ("b", {"target_evaluations": None, "trials": 2}, 10.0),
        ("c", {"target_cost": 1.0}, 4.0),
    ):
        write_run(tmp_path / name, [0.3, 0.3], settings={"budget": BUDGET | budget})
        assert load_runs(tmp_path / name)[0].budget == expected


def test_sums_are_computed_again_from_the_costs(tmp_path: Path) -> None:
    write_run(tmp_path / "t/m/seed-0", [0.5, 0.4, 0.3, 0.2], seed=0)
    trace = tmp_path / "t/m/seed-0/trace.jsonl"
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    total = 0.0
    for row, cost in zip(rows, (0.1, 0.2, 0.7, 1 / 3), strict=True):
        total += cost
        row |= {"cost": cost, "cumulative_cost": total}
    sound = [row["cumulative_cost"] for row in rows]
    trace.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert list(load_runs(tmp_path)[0].cost) == sound  # to the last bit
    rows[3]["cumulative_cost"] = 99.0
    trace.write_text("".join(json.dumps(row) + "\n" for row in rows[:1] + rows[2:]))
    (run,) = load_runs(tmp_path)
    assert list(run.cost) == [0.1, 0.1 + 0.7, 0.1 + 0.7 + 1 / 3]
    assert metadata_of(run).cost == tidy([run]).total_cost.max() == run.cost[-1]
    unlimited = replace(run, meta=run.meta | {"settings": {}})
    assert unlimited.budget == run.cost[-1]


def test_a_torn_last_line_and_a_run_without_a_trace_are_read(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.3, 0.2], status="running")
    with (tmp_path / "a" / "trace.jsonl").open("a") as file:
        file.write('{"cumulative_cost": 1')
    write_run(tmp_path / "b", [0.3])
    (tmp_path / "b" / "trace.jsonl").unlink()
    a, b = load_runs(tmp_path)
    assert (len(a.rows), a.finished) == (2, False)
    assert (len(b.rows), b.finished) == (0, False)


def test_what_cannot_be_read_is_named_or_raised(tmp_path: Path) -> None:
    write_run(tmp_path / "a", [0.3])
    write_run(tmp_path / "b", [0.3])
    (tmp_path / "b" / "meta.json").write_text("[]")
    unreadable: list[str] = []
    (run,) = load_runs(tmp_path, unreadable)
    assert run.folder.name == "a"
    problem = "is not the metadata of a run: Expected `object`, got `array`"
    assert unreadable == [f"{tmp_path / 'b' / 'meta.json'} {problem}"]
    with pytest.raises(ValueError, match="not the metadata of a run"):
        load_runs(tmp_path)
    (tmp_path / "a" / "trace.jsonl").write_text("text\n")
    with pytest.raises(ValueError, match=r"trace\.jsonl is not a trace: JSON is malformed"):
        load_runs(tmp_path, [])


def test_an_empty_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no runs below "):
        load_runs(tmp_path)


def test_step_curves_are_read_as_steps() -> None:
    cost, values = np.array([1.0, 2.0, 4.0]), np.array([0.5, 0.7, 0.1])
    assert value_at(cost, values, 0.9) == np.inf
    assert [value_at(cost, values, at) for at in (1, 1.9, 2, 3.9, 4, 100)] == [
        0.5,
        0.5,
        0.7,
        0.7,
        0.1,
        0.1,
    ]
    assert cost_to_reach(cost, values, 0.6) == 4  # it left it in between
    assert cost_to_reach(cost, values, 0.8) == 1
    assert cost_to_reach(cost, values, 0.1) == 4
    assert cost_to_reach(cost, values, 0.05) == np.inf
