from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.budget import Budget
from benchmarks.core import child_process
from benchmarks.core.protocols import Task
from benchmarks.core.trial import Observation, Suggestion
from benchmarks.engines import real_time
from benchmarks.engines.base import CompletedJob, Job
from benchmarks.engines.isolated_task import IsolatedTask
from benchmarks.engines.local import Local
from benchmarks.engines.real_time import WorkerFailuresError
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from methods.random_search import RandomSearch
from support import clock
from support.live import FAULTS, Live, pids
from support.processes import alive, own_children
from support.waiting import wait_for


def engine(n: int, limit: float = math.inf, now: float = 0.0, **options: Any) -> Local:
    described = {"_target_": "support.live.Live", "name": "live", **options}
    return Local(lambda: IsolatedTask(described, ["support"], limit), 0, n, now)


def job(number: int, fault: str = "ok", worker: int = 0) -> Job:
    config = {"x": (FAULTS.index(fault) + 0.5) / len(FAULTS), "y": 0.5}
    return Job(number, Suggestion(config), 0.0, worker, 0.0, "", number, 0.0)


@pytest.fixture
def no_leftovers() -> Iterator[None]:
    """Checks that a test leaves no process and no thread behind."""
    threads, children = set(threading.enumerate()), own_children()
    yield
    assert set(threading.enumerate()) <= threads
    assert own_children() <= children


def next_end(workers: Local) -> CompletedJob:
    ended = workers.next_completed(wait=True)
    assert ended is not None
    return ended


@pytest.mark.usefixtures("no_leftovers")
def test_a_run_keeps_all_workers_busy_on_the_real_clock(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    trace, task = Trace(tmp_path / "trace.jsonl"), Live()
    method = RandomSearch(task.space, task.fidelities)
    started = time.monotonic()
    options: dict[str, Any] = {"least": 0.1, "most": 0.2, "marks": str(marks), "together": 3}
    with trace.open() as writer, closing(engine(3, now=100.0, **options)) as workers:
        state = resume(trace, task)
        # the first evaluations end only when three are under way at once
        reason = loop.run(method, task, Budget(trials=9), 0, writer, state, engine=workers)
    took = time.monotonic() - started
    rows = trace.load()
    assert reason == "trials"
    assert sorted(row["trial"] for row in rows) == list(range(9))
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["worker"] for row in rows} == {0, 1, 2}
    assert len(set(pids(marks))) == 3  # a process a worker, kept from trial to trial
    assert all(100.0 <= row["start"] < row["end"] <= 100.0 + took for row in rows)
    assert all(0.1 <= row["cost"] <= row["end"] - row["start"] for row in rows)
    for worker in range(3):
        times = [(row["start"], row["end"]) for row in rows if row["worker"] == worker]
        assert all(end <= start for (_, end), (start, _) in pairwise(times))


@pytest.mark.usefixtures("no_leftovers")
def test_what_hangs_dies_raises_or_returns_rubbish_is_one_trial_and_its_worker_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = clock.hold(monkeypatch, child_process)
    options: dict[str, Any] = {"faults": FAULTS, "marks": str(tmp_path)}
    with closing(engine(len(FAULTS), limit=1.0, **options)) as workers:
        for number, fault in enumerate(FAULTS):
            workers.start(job(number, fault, worker=number))
        assert workers.idle_worker() is None
        seen: dict[str, Observation] = {}
        # time passes for what hangs only: the others may take as long as they need
        limits.runs = lambda: len(seen) == len(FAULTS) - 1 and len(pids(tmp_path)) == len(FAULTS)
        for _ in FAULTS:
            ended = next_end(workers)
            seen[FAULTS[ended.job.number]] = ended.observation
        assert workers.next_completed(wait=True) is None
        assert workers.next_completed(wait=False) is None
        for number in range(len(FAULTS)):
            assert workers.idle_worker() == number
            workers.start(job(100 + number, worker=number))
        again = [next_end(workers).observation.status for _ in FAULTS]
    errors = {fault: observation.info.get("error", "") for fault, observation in seen.items()}
    assert seen["ok"].status == "ok"
    assert (seen["hang"].status, seen["hang"].cost) == ("timeout", 1.0)
    assert {seen[fault].status for fault in ("die", "raise", "rubbish")} == {"failed"}
    assert "exit code 7" in errors["die"]
    assert "ValueError: on purpose" in errors["raise"]
    assert "returned NoneType, not an Observation" in errors["rubbish"]
    assert "_thread.lock object" in seen["lock"].info["lock"]
    assert again == ["ok"] * len(FAULTS)


@pytest.mark.usefixtures("no_leftovers")
def test_a_task_that_cannot_be_built_in_its_process_fails_its_trials() -> None:

    with closing(engine(1, builder=os.getpid())) as workers:
        for number in range(2):
            workers.start(job(number))
            observation = next_end(workers).observation
            assert observation.status == "failed"
            assert "cannot be built here" in observation.info["error"]


@pytest.mark.usefixtures("no_leftovers")
def test_a_task_that_can_never_be_built_here_ends_the_run() -> None:
    def build() -> Task:
        raise ValueError("no such data")

    with closing(Local(build, 0, 2)) as workers:
        for number in range(2):
            workers.start(job(number))
            observation = next_end(workers).observation
            assert observation.status == "failed"
            assert "could not be built here: ValueError: no such data" in observation.info["error"]
        workers.start(job(2))
        with pytest.raises(WorkerFailuresError, match=r"^3 failures in a row: .* no such data"):
            workers.next_completed(wait=True)


@pytest.mark.usefixtures("no_leftovers")
def test_a_task_that_can_be_built_later_costs_one_trial() -> None:
    calls: list[int] = []

    def build() -> Task:
        calls.append(1)
        if len(calls) == 1:
            raise MemoryError("for now")
        return IsolatedTask(
            {"_target_": "support.live.Live", "name": "live"}, ["support"], math.inf
        )

    with closing(Local(build, 0, 1)) as workers:
        statuses = []
        for number in range(2):
            workers.start(job(number))
            statuses.append(next_end(workers).observation.status)
        assert statuses == ["failed", "ok"]


@pytest.mark.usefixtures("no_leftovers")
@pytest.mark.parametrize("kind", ["pool", "subprocess"])
def test_evaluations_may_start_processes_of_their_own(kind: str) -> None:
    described = {"_target_": "support.nested.Nested", "name": "nested", "kind": kind}
    build = lambda: IsolatedTask(described, ["support"], math.inf)  # noqa: E731
    with closing(Local(build, 0, 2)) as workers:
        for number in range(2):
            workers.start(job(number, worker=number))
        seen = [next_end(workers).observation for _ in range(2)]
    assert [observation.info for observation in seen] == [{"doubled": 42}] * 2


@pytest.mark.usefixtures("no_leftovers")
def test_closing_kills_what_is_evaluated(tmp_path: Path) -> None:
    workers = engine(2, faults=["hang"], marks=str(tmp_path))
    for number in range(2):
        workers.start(job(number, worker=number))
    wait_for(lambda: len(pids(tmp_path)) == 2)
    workers.close()
    assert not any(map(alive, pids(tmp_path)))


@pytest.mark.usefixtures("no_leftovers")
def test_closing_kills_the_processes_of_what_is_evaluated(tmp_path: Path) -> None:
    described = {"_target_": "support.nested.Nested", "name": "nested", "kind": "hang"}
    described["marks"] = str(tmp_path)
    workers = Local(lambda: IsolatedTask(described, ["support"], math.inf), 0, 1)
    workers.start(job(0))
    wait_for(lambda: bool(pids(tmp_path)))
    workers.close()
    wait_for(lambda: not any(map(alive, pids(tmp_path))))


@pytest.mark.usefixtures("no_leftovers")
@pytest.mark.parametrize("after", [0.0, 0.001, 0.01, 0.1, 0.3])
def test_closing_while_workers_start_leaves_nothing_behind(after: float, tmp_path: Path) -> None:
    workers = engine(3, faults=["hang"], marks=str(tmp_path))
    for number in range(3):
        workers.start(job(number, worker=number))
    time.sleep(after)
    workers.close()
    time.sleep(0.1)
    assert not any(map(alive, pids(tmp_path)))


def test_a_clock_goes_on_from_where_it_stood(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = clock.hold(monkeypatch, real_time, now=500.0)
    with closing(engine(2, now=10.0)) as workers:
        assert workers.now == 10.0
        machine.now += 0.25
        assert workers.now == 10.25
