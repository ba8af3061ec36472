"""The command line, for good and for bad input."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from benchmarks.core import child_process
from benchmarks.runner.trace import Trace
from support import clock
from support.cli import call, call_here
from support.drivers import held_in, rows_in, start, trace_in
from support.processes import alive
from support.tiny import without_clocks
from support.waiting import PATIENCE, let_pass, wait_for


def run_folder(folder: Path, method: str = "random", task: str = "tiny", seed: int = 0) -> Path:
    return folder / "results" / "runs" / "default" / task / method / f"seed-{seed}"


def rows(folder: Path, **which: Any) -> list[dict[str, Any]]:
    return Trace(run_folder(folder, **which) / "trace.jsonl").load()


def meta(folder: Path, **which: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run_folder(folder, **which) / "meta.json").read_text())
    return found


def test_a_run_ends_with_a_table_a_trace_a_plot_and_its_provenance(tmp_path: Path) -> None:
    done = call(tmp_path, "method=random", "task=tiny", "budget.trials=6")
    assert done.returncode == 0, done.stderr
    for word in ("incumbent", "regret", "test error", "cost spent", "overhead", "trace.jsonl"):
        assert word in done.stdout
    folder = run_folder(tmp_path)
    assert (folder / "regret.png").read_bytes().startswith(b"\x89PNG")
    assert "trials: 6" in (folder / "config.yaml").read_text()
    facts = meta(tmp_path)
    assert facts["status"] == "finished"
    assert facts["stopped_by"] == "trials"
    assert {"numpy", "python"} <= set(facts["versions"])
    assert {"key", "commit", "dirty", "machine", "threads", "seed", "settings"} <= set(facts)


def test_a_finished_run_is_left_alone_and_another_key_is_refused(tmp_path: Path) -> None:
    quick = ("method=random", "task=tiny", "plot=false")
    call_here(tmp_path, *quick)
    trace = run_folder(tmp_path) / "trace.jsonl"
    before = trace.read_bytes()
    again = call_here(tmp_path, *quick)
    assert (again.returncode, "finished before" in again.stdout) == (0, True)
    assert trace.read_bytes() == before
    other = call_here(tmp_path, *quick, "time_limit=60")
    assert other.returncode == 2
    assert "time_limit was None, is 60" in other.stderr
    assert len(other.stderr.splitlines()) == 1
    over = call_here(tmp_path, *quick, "time_limit=60", "resume=false")
    assert over.returncode == 0
    assert without_clocks(rows(tmp_path)) == without_clocks(
        [json.loads(line) for line in before.splitlines()]
    )


@pytest.mark.parametrize("damaged", ["trace.jsonl", "started.jsonl", "meta.json"])
def test_a_damaged_run_is_one_line_and_the_sweep_goes_on(damaged: str, tmp_path: Path) -> None:
    quick = ("-m", "method=random", "task=tiny", "seed=0,1", "plot=false", "budget.trials=4")
    folder = run_folder(tmp_path)
    call_here(tmp_path, "method=random", "task=tiny", "plot=false", "budget.trials=4")
    unfinished = {**meta(tmp_path), "status": "running"}
    (folder / "meta.json").write_text(json.dumps(unfinished))
    (folder / damaged).write_text("rubbish\n" + (folder / damaged).read_text())
    done = call_here(tmp_path, *quick)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {(folder / damaged).relative_to(tmp_path)}")
    assert done.stderr.endswith("; delete the run and start over with resume=false\n")
    assert len(done.stderr.splitlines()) == 1
    assert meta(tmp_path, seed=1)["status"] == "finished"
    assert call_here(tmp_path, *quick, "resume=false").returncode == 0


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again_it_gives_the_unbroken_trace(tmp_path: Path) -> None:
    whole, cut, gate = tmp_path / "whole", tmp_path / "cut", tmp_path / "gate"
    for folder in (whole, cut, gate):
        folder.mkdir()
    quick = ("method=gpy_ei", "plot=false", "budget.trials=40")
    assert call_here(whole, *quick, "task=tiny").returncode == 0
    arguments = (*quick, "task=held", f"task.gate={gate}")
    let_pass(gate, 8)
    victim = start(cut, *arguments)
    wait_for(lambda: held_in(cut) == (8, 1))
    victim.kill()
    victim.communicate()
    with trace_in(cut).path.open("ab") as file:
        file.write(b'{"trial": 99, "torn')  # as if killed in the middle of a write
    let_pass(gate, 100)
    done = call_here(cut, *arguments)
    assert done.returncode == 0, done.stderr
    assert "resuming after" in done.stdout
    assert without_clocks(rows_in(cut)) == without_clocks(rows_in(whole))


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    let_pass(gate, 1)
    running = start(tmp_path, "method=random", "task=held", f"task.gate={gate}", "plot=false")
    wait_for(lambda: held_in(tmp_path) == (1, 1))
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert errors == "interrupted: run the same command again to resume\n"


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_goes_on(
    tmp_path: Path,
) -> None:
    gate = tmp_path / "gate"
    gate.mkdir()
    arguments = ("method=random", "task=held", f"task.gate={gate}", "plot=false")
    first = start(tmp_path, *arguments, "budget.trials=4")
    wait_for(lambda: held_in(tmp_path) == (0, 1))
    second = call(tmp_path, *arguments, "budget.trials=4")
    assert second.returncode == 2
    assert "in use by another process" in second.stderr
    let_pass(gate, 4)
    output, errors = first.communicate(timeout=PATIENCE)
    assert first.returncode == 0, output + errors


def test_a_sweep_goes_on_after_a_failing_run_and_says_so_at_the_end(tmp_path: Path) -> None:
    sweep = ("-m", "method=outside,random", "task=tiny", "seed=range(2)", "plot=false")
    done = call_here(tmp_path, *sweep)
    assert done.returncode == 1
    assert "2 of 4 runs failed" in done.stderr
    for seed in (0, 1):
        assert meta(tmp_path, seed=seed)["status"] == "finished"
        failed = run_folder(tmp_path, method="outside", seed=seed)
        assert str(failed.relative_to(tmp_path)) in done.stderr
        assert meta(tmp_path, method="outside", seed=seed)["status"] == "failed"
        assert "MethodError" in (failed / "error.txt").read_text()


def test_an_experiment_sweeps_and_ends_with_a_summary_of_the_study(tmp_path: Path) -> None:
    done = call_here(tmp_path, "experiment=tiny_study")
    assert done.returncode == 0, done.stderr
    assert "tiny: median regret" in done.stdout
    assert len(list((tmp_path / "results/runs/tiny_study/tiny").glob("*/seed-*"))) == 4
    # the budget of an experiment is the study's, not a variant of the method
    assert (tmp_path / "results/runs/tiny_study/tiny/random/seed-1/trace.jsonl").exists()


@pytest.mark.slow
def test_a_sweep_runs_in_parallel_by_a_launcher_of_hydra(tmp_path: Path) -> None:
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    done = call(tmp_path, "-m", *launcher, "method=random,outside", "task=tiny", "seed=0,1")
    assert done.returncode == 1, done.stderr
    for seed in (0, 1):
        assert meta(tmp_path, seed=seed)["status"] == "finished"
    assert "2 of 4 runs failed" in done.stderr


def test_a_task_that_raises_hangs_or_returns_rubbish_does_not_end_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # time passes for what hangs only: the others may take as long as they need
    limits, hanging = clock.hold(monkeypatch, child_process), tmp_path / "hanging"
    hanging.touch()
    limits.runs = lambda: alive(int(hanging.read_text() or 0))
    arguments = ("method=random", f"task.hanging={hanging}", "time_limit=0.5", "plot=false")
    done = call_here(tmp_path, "task=flaky", *arguments, "budget.trials=40")
    assert done.returncode == 0, done.stderr
    by_kind = {int(row["config"]["x"] * 8): row for row in rows_in(tmp_path)}
    assert {k: by_kind[k]["status"] for k in range(6)} == {
        0: "failed",
        1: "diverged",
        2: "failed",
        3: "failed",
        4: "timeout",
        5: "ok",
    }
    assert by_kind[4]["cost"] == 0.5  # charged at the limit
    assert "not ok" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task=svm_mnits"], "did you mean 'svm_mnist'"),
        (["method=randm"], "did you mean 'random'"),
        (["budget.trails=3"], "did you mean 'budget.trials'"),
        (["sed=3"], "did you mean 'seed'"),
        (["budget.trials=-3"], "budget.trials=-3: must be a whole number, 1 or more"),
        (["budget=null"], "budget=null: must be the name of one"),
        (["workers=20"], "workers=20: must be a group: workers.n=NUMBER"),
        (["time_limit=10m"], "time_limit=10m: must be a positive number of seconds"),
        (["results=null"], "results=None: must be a folder"),
        (["study=../../x"], "study=../../x: must be a name without slashes"),
        (["task.name=/abs"], "task.name=/abs: must be a name without slashes"),
        (["~method"], "method is missing"),
        (["task=3945"], "task=3945: must be the name of one, see untunable list"),
        (["seed=1,2"], "--multirun"),
        (["task=tiny", "allow=[]"], "to allow another, set allow=[support]"),
        (["task=tiny", "+task.lwo=1"], "unknown key task.lwo; did you mean 'low'"),
        (["task=svm_mnist", "task.source=lvie"], "allowed are recorded, live; did you mean 'live'"),
        (["task=svm_mnist", "task.backend=sklearn"], "set task.source=live"),
        (["task=svm_mnist", "task.source=live", "task.data_dir=/nowhere"], "no file mnist.npz"),
        (["method=fabolas", "task=tiny", "method.initial_design=[2]"], "in (0, 1]"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(
    arguments: list[str], message: str, tmp_path: Path
) -> None:
    done = call_here(tmp_path, "method=random", "plot=false", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")


@pytest.fixture
def own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of modules and YAMLs with mistakes, as users make them."""
    modules, conf = tmp_path / "modules", tmp_path / "conf"
    for folder in (modules, conf / "task", conf / "method", conf / "experiment"):
        folder.mkdir(parents=True)
    tasks = {
        "syntax": "def f(:",
        "keyless": "class T(Tiny):\n    def __init__(self) -> None:\n        {}['rows']",
        "leaves": "raise SystemExit('no licence')",
        "misspelt": "class T(Task):\n    def evalute(self): ...",
        "starts": "from subprocess import Popen as T",
    }
    head = "from benchmarks.core.protocols import Task\nfrom support.tiny import Tiny\n"
    for name, body in tasks.items():
        (modules / f"mistake_{name}.py").write_text(f"{head}{body}\n")
        yaml = f"_target_: mistake_{name}.T\nname: {name}\n"
        (conf / "task" / f"{name}.yaml").write_text(yaml)
    (conf / "task" / "unclosed.yaml").write_text("_target_: [x\n")
    (conf / "task" / "hidden.yaml").write_text("_target_: tasks._PUBLIC\nname: hidden\n")
    allows = "# @package _global_\nallow: [support]\n"
    (conf / "experiment" / "allows.yaml").write_text(allows)
    monkeypatch.syspath_prepend(str(modules))
    return conf


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["task=unclosed"], "unclosed.yaml"),
        (["task=syntax"], "_target_=mistake_syntax.T: SyntaxError: "),
        (["task=leaves"], "_target_=mistake_leaves.T: SystemExit: no licence"),
        (["task=keyless"], "task=keyless: KeyError: 'rows'"),
        (["task=misspelt"], "abstract method"),
        (["task=starts"], "mistake_starts.T: must be a class derived from Task, or a function"),
        (["task=hidden"], "a class or function must be public"),
        (["task=tiny", "experiment=allows"], "allow=[support] counts only on the command line"),
    ],
)
def test_a_mistake_in_a_users_file_is_one_line(
    arguments: list[str], message: str, own_files: Path, tmp_path: Path
) -> None:
    name = arguments[0].partition("=")[2]
    allow = [f"allow=[mistake_{name}]"] if len(arguments) == 1 else []
    command = ("method=random", "plot=false", *allow, *arguments)
    done = call_here(tmp_path, *command, conf=own_files)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_jobs_that_do_not_say_how_they_ended_are_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.run._job", lambda: None)
    done = call_here(tmp_path, "method=random")
    assert done.stderr == "failed: the jobs of the launcher did not say how they ended\n"
    assert done.returncode == 1


def test_a_mistake_comes_before_a_summary(tmp_path: Path) -> None:
    done = call_here(tmp_path, "experiment=tiny_study", "results=new", "budget.trials=-1")
    assert done.returncode == 2
    assert done.stderr == "error: budget.trials=-1: must be a whole number, 1 or more, or null\n"
    assert not (tmp_path / "new" / "tiny_study").exists()
