"""The command line, run as a subprocess, for good and for bad input."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.runner.trace import Trace
from support.cli import ENVIRONMENT, call, command
from support.tiny import without_clocks


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
    folder = run_folder(tmp_path, method="random,budget.trials=6")
    assert (folder / "regret.png").read_bytes().startswith(b"\x89PNG")
    assert "trials: 6" in (folder / "config.yaml").read_text()
    facts = meta(tmp_path, method="random,budget.trials=6")
    assert facts["status"] == "finished"
    assert facts["stopped_by"] == "trials"
    assert {"numpy", "python"} <= set(facts["versions"])
    assert {"key", "commit", "dirty", "machine", "threads", "seed", "settings"} <= set(facts)


def test_a_finished_run_is_left_alone_and_another_key_is_refused(tmp_path: Path) -> None:
    quick = ("method=random", "task=tiny", "plot=false")
    call(tmp_path, *quick)
    trace = run_folder(tmp_path) / "trace.jsonl"
    before = trace.read_bytes()
    again = call(tmp_path, *quick)
    assert (again.returncode, "finished before" in again.stdout) == (0, True)
    assert trace.read_bytes() == before
    other = call(tmp_path, *quick, "time_limit=60")
    assert other.returncode == 2
    assert "time_limit was None, is 60" in other.stderr
    assert len(other.stderr.splitlines()) == 1
    over = call(tmp_path, *quick, "time_limit=60", "resume=false")
    assert over.returncode == 0
    assert without_clocks(rows(tmp_path)) == without_clocks(
        [json.loads(line) for line in before.splitlines()]
    )


@pytest.mark.parametrize("damaged", ["trace.jsonl", "started.jsonl", "meta.json"])
def test_a_damaged_run_is_one_line_and_the_sweep_goes_on(damaged: str, tmp_path: Path) -> None:
    quick = ("-m", "method=random", "task=tiny", "seed=0,1", "plot=false")
    folder = run_folder(tmp_path)
    call(tmp_path, "method=random", "task=tiny", "plot=false")
    unfinished = {**meta(tmp_path), "status": "running"}
    (folder / "meta.json").write_text(json.dumps(unfinished))
    (folder / damaged).write_text("rubbish\n" + (folder / damaged).read_text())
    done = call(tmp_path, *quick)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {(folder / damaged).relative_to(tmp_path)}")
    assert done.stderr.endswith("; delete the run and start over with resume=false\n")
    assert len(done.stderr.splitlines()) == 1
    assert meta(tmp_path, seed=1)["status"] == "finished"
    assert call(tmp_path, *quick, "resume=false").returncode == 0


@pytest.mark.slow
def test_killed_in_the_middle_and_run_again_it_gives_the_unbroken_trace(tmp_path: Path) -> None:
    arguments = ("method=gpy_ei", "task=tiny", "plot=false")
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    assert call(whole, *arguments).returncode == 0
    victim = subprocess.Popen(
        command(*arguments), cwd=cut, env=ENVIRONMENT, stdout=subprocess.DEVNULL
    )
    trace = run_folder(cut, method="gpy_ei") / "trace.jsonl"
    deadline = time.monotonic() + 60
    while not trace.exists() or trace.read_bytes().count(b"\n") < 8:
        assert time.monotonic() < deadline
        assert victim.poll() is None
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    with trace.open("ab") as file:
        file.write(b'{"trial": 99, "torn')  # as if killed in the middle of a write
    done = call(cut, *arguments)
    assert done.returncode == 0, done.stderr
    assert "resuming after" in done.stdout
    left = rows(cut, method="gpy_ei")
    assert without_clocks(left) == without_clocks(rows(whole, method="gpy_ei"))


def test_interrupted_it_says_how_to_go_on(tmp_path: Path) -> None:
    arguments = ("method=gpy_ei", "task=tiny", "plot=false")
    running = subprocess.Popen(
        command(*arguments),
        cwd=tmp_path,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background jobs, as CI may be one, ignore the signal
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    trace = run_folder(tmp_path, method="gpy_ei") / "trace.jsonl"
    while not trace.exists() or not trace.read_bytes():
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate()
    assert running.returncode == 130
    assert errors == "interrupted: run the same command again to resume\n"


def test_a_second_run_in_the_same_folder_is_refused_while_the_first_goes_on(
    tmp_path: Path,
) -> None:
    arguments = ("method=gpy_ei", "task=tiny", "plot=false")
    first = subprocess.Popen(
        command(*arguments), cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.DEVNULL
    )
    lock = run_folder(tmp_path, method="gpy_ei") / "meta.json"
    while not lock.exists():
        assert first.poll() is None
        time.sleep(0.01)
    second = call(tmp_path, *arguments)
    assert second.returncode == 2
    assert "in use by another process" in second.stderr
    assert first.wait() == 0


def test_a_sweep_goes_on_after_a_failing_run_and_says_so_at_the_end(tmp_path: Path) -> None:
    done = call(tmp_path, "-m", "method=outside,random", "task=tiny", "seed=range(2)", "plot=false")
    assert done.returncode == 1
    assert "2 of 4 runs failed" in done.stderr
    for seed in (0, 1):
        assert meta(tmp_path, seed=seed)["status"] == "finished"
        failed = run_folder(tmp_path, method="outside", seed=seed)
        assert str(failed.relative_to(tmp_path)) in done.stderr
        assert meta(tmp_path, method="outside", seed=seed)["status"] == "failed"
        assert "MethodError" in (failed / "error.txt").read_text()


def test_an_experiment_sweeps_and_ends_with_a_summary_of_the_study(tmp_path: Path) -> None:
    done = call(tmp_path, "experiment=tiny_study")
    assert done.returncode == 0, done.stderr
    assert "tiny: median regret" in done.stdout
    assert len(list((tmp_path / "results/runs/tiny_study/tiny").glob("*/seed-*"))) == 4
    # the budget of an experiment is the study's, not a variant of the method
    assert (tmp_path / "results/runs/tiny_study/tiny/random/seed-1/trace.jsonl").exists()


def test_a_sweep_runs_in_parallel_by_a_launcher_of_hydra(tmp_path: Path) -> None:
    launcher = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")
    done = call(tmp_path, "-m", *launcher, "method=random,outside", "task=tiny", "seed=0,1")
    assert done.returncode == 1, done.stderr
    for seed in (0, 1):
        assert meta(tmp_path, seed=seed)["status"] == "finished"
    assert "2 of 4 runs failed" in done.stderr


def test_a_task_that_raises_hangs_or_returns_rubbish_does_not_end_the_run(tmp_path: Path) -> None:
    done = call(tmp_path, "method=random", "task=flaky", "time_limit=0.5", "plot=false")
    assert done.returncode == 0, done.stderr
    by_kind = {int(row["config"]["x"] * 8): row for row in rows(tmp_path, task="flaky")}
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
        (["budget.trials=-3"], "budget.trials=-3: must be a positive number"),
        (["budget.trials=null"], "the budget is unlimited"),
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
    done = call(tmp_path, "method=random", "plot=false", *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("error: ")
