from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from analysis.data.archive import write_archive
from analysis.data.cut import cut_table
from analysis.data.load import load_runs
from analysis.data.run_metadata import metadata_of
from analysis.data.study import from_archive, from_traces
from analysis.data.tidy import tidy
from support.cli import call
from support.studies import BUDGET, FACTS, write_full_run

PUBLISHED = sorted(
    path.parent for path in Path(__file__).parents[3].joinpath("results").glob("*/runs.json")
)


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """One of two runs was raised from 4 to 6 target evaluations, of 5 s each."""
    for seed, n in enumerate((4, 6)):
        settings = {"budget": BUDGET | {"target_evaluations": n}}
        folder = tmp_path / "runs/one/m" / f"seed-{seed}"
        write_full_run(folder, trials=7 + 3 * seed, settings=settings)
    return tmp_path / "runs"


def test_runs_are_cut_where_the_shorter_one_ends(study: Path) -> None:
    read = from_traces(study)
    assert read.selection.lines[1].endswith("one at 4 target evaluations.")
    assert read.table.groupby("seed").size().tolist() == [7, 7]
    assert read.whole.groupby("seed").size().tolist() == [7, 10]
    assert set(read.table.budget) == {20.0}
    assert read.table.stopped_by.tolist()[-1] == "cost"
    same = read.whole.drop(columns=["budget", "stopped_by"])[:7]
    assert read.table.drop(columns=["budget", "stopped_by"])[:7].equals(same)


def test_an_archive_can_be_cut_as_its_traces_can(study: Path, tmp_path: Path) -> None:
    read = from_traces(study)
    write_archive(read.whole, read.runs, tmp_path / "a")
    for budget in (None, 2, 5):
        traces, archive = from_traces(study, budget), from_archive(tmp_path / "a", budget)
        assert archive.table.equals(traces.table)
        assert archive.selection.lines == traces.selection.lines
    # four trials: the fourth reaches the cost of two full trainings
    assert from_archive(tmp_path / "a", 2).table.total_cost.max() == 12.5


def test_a_study_with_one_budget_is_the_same_table(study: Path) -> None:
    table, runs = tidy(load_runs(study)), [metadata_of(run) for run in load_runs(study)]
    assert cut_table(table, [runs[0]] * 2)[0] is table


def test_a_budget_of_trials_is_a_number_of_trials(tmp_path: Path) -> None:
    for seed, n in enumerate((6, 9)):
        settings = {"budget": BUDGET | {"target_evaluations": None, "trials": n}}
        write_full_run(tmp_path / f"one/m/seed-{seed}", trials=n, settings=settings)
    table = from_traces(tmp_path).table
    assert table.groupby("seed").size().tolist() == [6, 6]
    assert table.stopped_by.tolist()[-1] == "trials"
    assert set(table.budget) == {3 * 6.25}


def test_without_a_target_cost_the_unit_of_the_runs_counts(tmp_path: Path) -> None:
    facts = FACTS | {"target_cost": None}
    for seed, unit in enumerate((4.0, 6.0)):
        write_full_run(tmp_path / f"one/m/seed-{seed}", task_facts=facts, unit=unit)
    table = from_traces(tmp_path).table
    assert set(table.target_cost) == {5.0}
    assert table.groupby("seed").budget.first().tolist() == [16, 24]


def test_a_cut_parallel_run_costs_what_a_shorter_one_costs(tmp_path: Path) -> None:
    sums = []
    for n in (20, 40):
        done = call(
            tmp_path, "method=random", "task=svm_mnist", "workers.n=4", "budget.trials=null",
            f"budget.target_evaluations={n}", f"study=s{n}", "plot=false",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        table = from_traces(tmp_path / f"results/runs/s{n}", budget=20).table
        sums.append(table[["trial", "total_cost", "budget", "loss"]])
    np.testing.assert_allclose(sums[0], sums[1], rtol=1e-12)


@pytest.mark.parametrize("folder", PUBLISHED, ids=lambda folder: folder.name)
def test_published_archives_are_read_whole_and_can_be_cut(folder: Path) -> None:
    read = from_archive(folder)
    of_both = {"trials", "target_evaluations"}
    by_trials = of_both <= {run.stopped_by for run in read.runs}
    assert (read.table is read.whole) != by_trials
    assert len(read.analysed) == len(read.runs)
    assert not any("budget" in name for run in read.runs for name in run.version)
    assert all(run.budget for run in read.runs)
    cut = from_archive(folder, budget=2)
    assert len(cut.table) < len(read.whole)
    assert cut.selection.lines[1].startswith("Runs are cut at 2 target evaluations (budget=2).")


def test_published_archives_are_there() -> None:
    assert len(PUBLISHED) >= 5
