from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analysis.data.archive import write_archive
from analysis.data.study import from_traces
from benchmarks.settings import ConfigError
from benchmarks.study_tasks import StudyTask, parts_of
from support.studies import KEY, write_full_run


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_of(folder: Path, task: dict[str, Any], allow: list[str], table: bool = True) -> None:
    """A finished run with these settings of its task."""
    key = {name: value for name, value in KEY.items() if table or name != "identity.table"}
    key |= {f"task.{name}": value for name, value in task.items()}
    write_full_run(folder, key=key)
    meta = json.loads((folder / "meta.json").read_text())
    meta["settings"] |= {"task": task, "allow": allow}
    (folder / "meta.json").write_text(json.dumps(meta))


def test_an_experiment_has_the_tasks_and_methods_that_it_sweeps_over() -> None:
    parts = parts_of("methods_check")
    tasks = {each.name: each for each in parts.tasks}
    assert {"svm_mnist", "branin"} <= set(tasks)
    assert tasks["svm_mnist"].settings["_target_"] == "tasks.svm_task"
    assert {"fabolas", "mtbo", "random"} <= parts.methods
    for name in ("cars_talk", "cars_talk_quick"):
        assert [each.name for each in parts_of(name).tasks] == ["cars_head", "cars_head_boosting"]


def test_a_study_has_the_replays_among_the_tasks_of_its_runs(here: Path) -> None:
    runs = here / "results/runs/own"
    replay = {"_target_": "mine.Replay", "name": "a", "table": "a.npz"}
    live = {"_target_": "mine.Live", "name": "b"}
    run_of(runs / "a/random/seed-0", replay | {"table": "old.npz"}, ["mine"])
    for seed in (1, 2):
        run_of(runs / f"a/ei,method.x=1/seed-{seed}", replay, ["mine"])
    run_of(runs / "b/random/seed-0", live, ["mine"], table=False)
    (runs / "c/random/seed-0").mkdir(parents=True)
    (runs / "c/random/seed-0/meta.json").write_text("{")
    parts = parts_of("own")
    assert parts.tasks == [StudyTask("a", replay, ["mine"])]
    assert parts.methods == {"random", "ei"}
    assert parts_of("another", runs) == parts


def test_runs_that_are_named_come_before_the_experiment(here: Path) -> None:
    task = {"_target_": "mine.Replay", "name": "a"}
    run_of(here / "runs/a/random/seed-0", task, ["mine"])
    assert [each.name for each in parts_of("svm_paper", here / "runs").tasks] == ["a"]


def test_without_runs_the_archive_names_the_tasks(here: Path) -> None:
    runs = here / "elsewhere"
    boosting = {"_target_": "tasks.cars_task", "name": "cars_head", "surrogate": "boosting"}
    run_of(runs / "cars_head/fabolas/seed-0", boosting, [])
    run_of(runs / "a/random/seed-0", {"_target_": "mine.Replay", "name": "a"}, ["mine"])
    study = from_traces(runs)
    write_archive(study.table, study.runs, here / "results/own")
    parts = parts_of("own")
    assert parts.methods == {"fabolas", "random"}
    (task,) = parts.tasks
    assert task.name == "cars_head"
    assert task.settings["surrogate"] == "boosting"
    assert task.settings["table"] == "cars_head"
    assert parts.problems == ["task=a: its runs are not here, and there is no conf/task/a.yaml"]


def test_a_study_that_is_nowhere_is_one_line_with_the_nearest(here: Path) -> None:
    write_full_run(here / "results/runs/mine/t/m/seed-0")
    with pytest.raises(ConfigError) as raised:
        parts_of("svm_papers")
    said = str(raised.value)
    assert said.startswith("study=svm_papers: no runs in results/runs/svm_papers, no archive in ")
    assert "; did you mean 'svm_paper'? (allowed: cars_restarts, cars_talk, " in said
    assert ", mine, " in said
    with pytest.raises(ConfigError, match=r"^no runs below nothing$"):
        parts_of("x", Path("nothing"))
