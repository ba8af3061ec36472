"""Real processes killed in the middle of runs that train for real; prints what it came to (-s)."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from support.cli import call
from support.clusters import scheduler, workers
from support.drivers import rows_in, start, trace_in
from support.live import alive, pids, wait_for

pytestmark = pytest.mark.slow


def arguments(folder: Path, engine: str, trials: int, n: int = 4) -> list[str]:
    marks = folder / "marks"
    marks.mkdir(exist_ok=True)
    return [
        *("method=random", "task=live", "plot=false", f"task.marks={marks}"),
        *(f"budget.trials={trials}", f"workers.engine={engine}", f"workers.n={n}"),
    ]


def test_killing_one_of_four_dask_workers_every_two_seconds_loses_no_trial(tmp_path: Path) -> None:
    rng, kills, marks = np.random.default_rng(0), 0, tmp_path / "marks"
    started = time.monotonic()
    running = start(tmp_path, *arguments(tmp_path, "dask", 200))
    wait_for(lambda: len(set(pids(marks))) == 4)
    seen: list[bytes] = []
    while running.poll() is None:
        time.sleep(2.0)
        seen.append(trace_in(tmp_path).path.read_bytes())
        busy = [pid for pid in set(pids(marks)[-12:]) if alive(pid)]
        if running.poll() is None and busy:
            os.kill(int(rng.choice(busy)), signal.SIGKILL)
            kills += 1
    output, errors = running.communicate()
    took = time.monotonic() - started
    rows, content = rows_in(tmp_path), trace_in(tmp_path).path.read_bytes()
    statuses = [row["status"] for row in rows]
    print(
        f"{kills} of Dask's four workers killed in {took:.0f} s: {len(rows)} trials, "
        f"{statuses.count('ok')} ok, {len(pids(marks)) - len(rows)} evaluated again, "
        f"{len(set(pids(marks)))} processes"
    )
    assert running.returncode == 0, output + errors
    assert errors == ""
    assert kills >= 5
    assert sorted(row["trial"] for row in rows) == list(range(200))
    assert all(content.startswith(earlier) for earlier in seen)
    assert statuses.count("ok") == 200
    assert len(pids(marks)) <= 200 + 2 * kills  # what it trained, and what it had not handed on
    wait_for(lambda: not any(map(alive, pids(marks))), 5)


@pytest.mark.parametrize("engine", ["local", "dask"])
def test_kill_9_of_the_driver_and_the_same_command_again(engine: str, tmp_path: Path) -> None:
    kill_and_resume(tmp_path, engine, arguments(tmp_path, engine, 40))


def test_kill_9_of_the_driver_of_a_cluster_that_stays(tmp_path: Path) -> None:
    command = arguments(tmp_path, "dask", 40)
    with scheduler(tmp_path) as (_, address), workers(tmp_path, address, 4):
        kill_and_resume(tmp_path, "address", [*command, f"workers.address={address}"])


def kill_and_resume(folder: Path, engine: str, command: list[str]) -> None:
    """Kill the driver in the middle, give the same command again, look at what is there."""
    marks, left = folder / "marks", ""
    running = start(folder, *command)
    wait_for(lambda: len(rows_in(folder)) >= 15)
    running.kill()
    killed = time.monotonic()
    running.communicate()
    if engine != "address":  # workers of the driver's own die with it
        wait_for(lambda: not any(map(alive, pids(marks))), 10)
        left = f", its workers gone within {time.monotonic() - killed:.1f} s"
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
    assert 1 <= len(pending) <= 4
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
    command = arguments(tmp_path, engine, 30, n=2)
    first = start(tmp_path, *command)
    wait_for(lambda: len(rows_in(tmp_path)) >= 2)
    second = call(tmp_path, *command)
    assert first.poll() is None
    during = len(rows_in(tmp_path))
    output, errors = first.communicate()
    print(f"{engine}: refused after {during} of the first one's trials: {second.stderr.strip()}")
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
        running = start(folder, *arguments(folder, engine, 200))
        wait_for(lambda folder=folder: len(rows_in(folder)) >= 5)
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all of its processes
        try:
            output, errors = running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            running.kill()
            raise
        assert running.returncode == 130, output + errors
        assert errors == "interrupted: run the same command again to resume\n"
        wait_for(lambda folder=folder: not any(map(alive, pids(folder / "marks"))), 5)
