"""Real processes killed in the middle of runs that train for real; prints what it came to (-s)."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import numpy as np
import pytest

from support.cli import call
from support.clusters import scheduler, workers
from support.drivers import held_in, rows_in, start, trace_in
from support.live import pids
from support.processes import alive
from support.waiting import PATIENCE, let_pass, wait_for

pytestmark = pytest.mark.slow


def arguments(folder: Path, engine: str, trials: int, passing: int, n: int = 4) -> list[str]:
    """A run of which so many evaluations may pass the gate; the test opens it for the others."""
    marks, gate = folder / "marks", folder / "gate"
    for each in (marks, gate):
        each.mkdir()
    let_pass(gate, passing)
    return [
        *("method=random", "task=live", "plot=false", "task.least=0", "task.most=0.05"),
        *(f"task.marks={marks}", f"task.gate={gate}"),
        *(f"budget.trials={trials}", f"workers.engine={engine}", f"workers.n={n}"),
    ]


def test_killing_one_of_four_dask_workers_every_twenty_trials_loses_no_trial(
    tmp_path: Path,
) -> None:
    rng, marks = np.random.default_rng(0), tmp_path / "marks"
    running = start(tmp_path, *arguments(tmp_path, "dask", 200, passing=20))
    seen: list[bytes] = []
    killed: list[int] = []
    for ended in range(20, 200, 20):
        wait_for(lambda ended=ended: held_in(tmp_path) == (ended, 4))
        seen.append(trace_in(tmp_path).path.read_bytes())
        wait_for(lambda: evaluating(marks, killed))
        killed.append(int(rng.choice(evaluating(marks, killed))))
        os.kill(killed[-1], signal.SIGKILL)
        let_pass(tmp_path / "gate", 20)
    output, errors = running.communicate(timeout=PATIENCE)
    rows, content = rows_in(tmp_path), trace_in(tmp_path).path.read_bytes()
    statuses = [row["status"] for row in rows]
    print(
        f"{len(killed)} of Dask's four workers killed: {len(rows)} trials, "
        f"{statuses.count('ok')} ok, {len(pids(marks)) - len(rows)} evaluated again, "
        f"{len(set(pids(marks)))} processes"
    )
    assert running.returncode == 0, output + errors
    assert errors == ""
    assert sorted(row["trial"] for row in rows) == list(range(200))
    assert all(content.startswith(earlier) for earlier in seen)
    assert statuses.count("ok") == 200
    assert len(pids(marks)) <= 200 + len(killed)
    wait_for(lambda: not any(map(alive, pids(marks))))


def evaluating(marks: Path, killed: list[int]) -> list[int]:
    """Processes that evaluate now: those that ever did, while four trials wait at the gate."""
    return sorted(pid for pid in set(pids(marks)) - set(killed) if alive(pid))


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_kill_9_of_the_driver_and_the_same_command_again(engine: str, tmp_path: Path) -> None:
    kill_and_resume(tmp_path, engine, arguments(tmp_path, engine, 40, passing=15))


def test_kill_9_of_the_driver_of_a_cluster_that_stays(tmp_path: Path) -> None:
    command = arguments(tmp_path, "dask", 40, passing=15)
    with scheduler(tmp_path) as (_, address), workers(tmp_path, address, 4):
        kill_and_resume(tmp_path, "address", [*command, f"workers.address={address}"])


def kill_and_resume(folder: Path, engine: str, command: list[str]) -> None:
    """Kill the driver in the middle, give the same command again, look at what is there."""
    marks, left = folder / "marks", ""
    running = start(folder, *command)
    wait_for(lambda: held_in(folder) == (15, 4) and len(pids(marks)) == 19)
    running.kill()
    running.communicate()
    if engine != "address":  # workers of the driver's own die with it
        wait_for(lambda: not any(map(alive, pids(marks))))
        left = ", its workers are gone"
    let_pass(folder / "gate", 100)
    trace, kept = trace_in(folder), rows_in(folder)
    before, pending = trace.path.read_bytes(), {row["trial"]: row for row in trace.read().running}
    again = call(folder, *command)
    rows = {row["trial"]: row for row in rows_in(folder)}
    print(
        f"{engine}: driver killed after {len(kept)} trials{left}; "
        f"{len(pending)} pending ones evaluated again; {len(rows)} in the end"
    )
    assert again.returncode == 0, again.stdout + again.stderr
    assert f"{len(pending)} of them evaluated again" in again.stdout
    assert len(pending) == 4
    assert trace.path.read_bytes().startswith(before)
    assert sorted(rows) == list(range(40))
    for number, row in pending.items():
        assert rows[number]["config"] == row["config"]
        assert rows[number]["status"] == "ok"
        assert rows[number]["end"] > kept[-1]["end"]
    clock = [row["end"] for row in rows_in(folder)]
    assert clock == sorted(clock)
    assert len(pids(marks)) <= 40 + len(pending)


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_a_second_driver_on_the_same_folder_is_refused(engine: str, tmp_path: Path) -> None:
    command = arguments(tmp_path, engine, 30, passing=2, n=2)
    first = start(tmp_path, *command)
    wait_for(lambda: held_in(tmp_path) == (2, 2))
    second = call(tmp_path, *command)
    assert first.poll() is None
    let_pass(tmp_path / "gate", 28)
    output, errors = first.communicate(timeout=PATIENCE)
    print(f"{engine}: refused after two of the first one's trials: {second.stderr.strip()}")
    assert second.returncode == 2
    assert "is in use by another process" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert first.returncode == 0, output + errors
    assert sorted(row["trial"] for row in rows_in(tmp_path)) == list(range(30))
    assert len(pids(tmp_path / "marks")) == 30


def test_control_c_is_one_line_and_leaves_no_process(tmp_path: Path) -> None:
    for engine in ("local", "dask"):
        folder = tmp_path / engine
        folder.mkdir()
        running = start(folder, *arguments(folder, engine, 200, passing=5))
        wait_for(lambda folder=folder: held_in(folder) == (5, 4))
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of its processes
        try:
            output, errors = running.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        assert running.returncode == 130, output + errors
        assert errors == "interrupted: run the same command again to resume\n"
        wait_for(lambda folder=folder: not any(map(alive, pids(folder / "marks"))))
