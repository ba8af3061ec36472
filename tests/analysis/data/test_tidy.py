from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.data.load import load_runs
from analysis.data.tidy import RULES, tidy
from support.cli import call_here
from support.studies import write_full_run


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods and two seeds, as the runner writes them."""
    folder = tmp_path_factory.mktemp("study")
    done = call_here(
        folder, "-m", "method=random,hyperband", "task=svm_mnist", "seed=0,1", "study=s",
        "budget.trials=12", "plot=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "results" / "runs" / "s"


@pytest.fixture(scope="module")
def table(study: Path) -> pd.DataFrame:
    made = tidy(load_runs(study))
    assert set(made.method) == {"random", "hyperband"}
    return made


def test_one_row_a_trial_in_order(table: pd.DataFrame) -> None:
    assert len(table) == 4 * 12
    keys = list(zip(table.method, table.seed, table.trial, strict=True))
    assert keys == sorted(keys)
    assert set(table.task) == {"svm_mnist"}


def test_numbers_are_those_of_the_trace(table: pd.DataFrame, study: Path) -> None:
    trace = study / "svm_mnist" / "hyperband" / "seed-1" / "trace.jsonl"
    rows = [json.loads(line) for line in trace.read_text().splitlines()]
    run = table[(table.method == "hyperband") & (table.seed == 1)]
    for name in ("fidelity", "native", "loss", "test_loss", "cost"):
        assert run[name].tolist() == [row[name] for row in rows]
    assert run["config.log_c"].tolist() == [row["config"]["log_c"] for row in rows]
    assert run.total_cost.tolist() == [row["cumulative_cost"] for row in rows]
    overhead = [row["suggest_overhead"] + row["recommend_overhead"] for row in rows]
    np.testing.assert_allclose(run.total_overhead, np.cumsum(overhead))


def test_every_rule_has_its_regret_and_test_error(table: pd.DataFrame) -> None:
    assert RULES == ("recommended", "best_at_target", "best_seen")
    hyperband = table[(table.method == "hyperband") & (table.seed == 0)]
    never_full = hyperband[hyperband.fidelity.cummax() < 1]
    assert len(never_full)
    assert np.isinf(never_full.regret_best_at_target).all()
    assert never_full.test_best_at_target.isna().all()
    assert np.isfinite(hyperband.regret_best_seen).all()
    random = table[table.method == "random"]
    assert (random.regret_best_seen == random.regret_best_at_target).all()
    assert (table[[f"regret_{rule}" for rule in RULES]] >= 5e-5).all(axis=None)


def test_a_parallel_run_keeps_the_order_of_ends_and_finds_its_incumbents(tmp_path: Path) -> None:
    done = call_here(
        tmp_path, "-m", "method=asha", "task=svm_mnist", "workers.n=5", "workers.overhead=0",
        "budget.trials=30", "study=s", "plot=false",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (run,) = load_runs(tmp_path / "results" / "runs" / "s")
    table = tidy([run])
    numbers = [row["trial"] for row in run.rows]
    assert table.trial.tolist() == numbers != sorted(numbers)
    assert table.end.is_monotonic_increasing
    assert set(table.worker) == set(range(5))
    assert table.end.iloc[-1] < table.total_cost.iloc[-1]
    # five work all the time, so that what has run by then is five times the clock
    first = run.rows[0]
    assert table.total_cost.iloc[0] == pytest.approx(5 * first["end"])
    assert table.total_cost.iloc[0] > first["cumulative_cost"]
    assert table.total_cost.iloc[-1] == pytest.approx(run.rows[-1]["cumulative_cost"])
    seen = [row["best_seen"] for row in run.rows]
    assert [table[table.trial == n].loss.item() for n in seen] == table.loss.cummin().tolist()
    truth = {row["trial"]: row["true_loss"] for row in run.rows}
    best = run.meta["task_facts"]["best_loss"]
    expected = np.maximum([truth[n] - best for n in seen], 5e-5)
    np.testing.assert_allclose(table.regret_best_seen, expected)


def test_no_runs_are_no_rows() -> None:
    assert tidy([]).empty


def test_hyperparameters_on_a_log_scale_are_named_where_the_run_says_them(tmp_path: Path) -> None:
    keys = {"one": {}, "two": {"task.space.a.kind": "float"}, "three": {
        "task.space.a.log": True, "task.space.b.log": False, "task.space.c.kind": "power_of_two",
    }}  # fmt: skip
    for task, key in keys.items():
        write_full_run(tmp_path / task / "m" / "seed-0", trials=2, key=key)
    said = tidy(load_runs(tmp_path)).groupby("task").log_scale.first()
    assert said.to_dict() == {"one": "unknown", "two": "none", "three": "a,c"}
