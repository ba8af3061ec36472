"""Real Dask clusters of processes on loopback."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.cli import call
from support.clusters import scheduler, workers
from support.drivers import held_in, rows_in, start, trace_in
from support.live import FAULTS, Live, pids
from support.processes import alive
from support.settings import run_settings
from support.waiting import PATIENCE, let_pass, wait_for

pytest.importorskip("distributed")

from distributed import Client, LocalCluster

from benchmarks.budget import Budget
from benchmarks.core.trial import Suggestion
from benchmarks.engines import dask_cluster
from benchmarks.engines.base import CompletedJob, Job
from benchmarks.engines.dask_cluster import Dask, SchedulerError, Watch
from benchmarks.engines.isolated_task import EvaluationSettings
from benchmarks.engines.select import build_engine
from benchmarks.engines.virtual import Virtual
from benchmarks.runner import loop
from benchmarks.runner.resumption import resume
from benchmarks.runner.trace import Trace
from benchmarks.settings import ConfigError, RunSettings
from methods.random_search import RandomSearch


def settings(
    n: int = 2, address: str | None = None, limit: float | None = None, seed: int = 0, **task: Any
) -> RunSettings:
    return run_settings(
        seed=seed,
        task={"_target_": "support.live.Live", "name": "live", **task},
        allow=["support"],
        time_limit=limit,
        workers={"n": n, "engine": "dask", "address": address},
    )


def evaluated() -> EvaluationSettings:
    return EvaluationSettings.of(settings())


def job(number: int, fault: str = "ok", worker: int = 0) -> Job:
    config = {"x": (FAULTS.index(fault) + 0.5) / len(FAULTS), "y": 0.5}
    return Job(number, Suggestion(config), 0.0, worker, 0.0, "", number, 0.0)


def next_end(engine: Any) -> CompletedJob:
    ended = engine.next_completed(wait=True)
    assert ended is not None
    return ended


def lasting(workers: int, threads: int) -> LocalCluster:
    """A cluster that stays while runs come and go, as a user's does."""
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=threads,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        silence_logs="CRITICAL",
    )


def folders(folder: Path) -> tuple[Path, Path]:
    """For the marks of evaluations, and a gate at which they wait."""
    marks, gate = folder / "marks", folder / "gate"
    marks.mkdir()
    gate.mkdir()
    return marks, gate


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with lasting(workers=2, threads=1) as cluster:
        yield cluster.scheduler_address


def test_a_run_on_a_cluster_of_its_own(tmp_path: Path) -> None:
    """All workers busy, one BLAS thread each, and the suggestions of a run in virtual time."""
    marks = tmp_path / "marks"
    marks.mkdir()
    task, options = Live(), {"marks": str(marks), "together": 2}
    method = RandomSearch(task.space, task.fidelities)
    configs = []
    for name in ("virtual", "dask"):
        trace = Trace(tmp_path / name / "trace.jsonl")
        (tmp_path / name).mkdir()
        engine = (
            build_engine(settings(2, **options), task, 50.0)
            if name == "dask"
            else Virtual(task, 0, 2)
        )
        with trace.open() as writer, closing(engine):
            state = resume(trace, task)
            assert loop.run(method, task, Budget(trials=6), 0, writer, state, engine=engine)
        rows = sorted(trace.load(), key=lambda row: row["trial"])
        configs.append([row["config"] for row in rows])
    assert configs[0] == configs[1]
    assert {row["status"] for row in rows} == {"ok"}
    assert {row["worker"] for row in rows} == {0, 1}
    assert all(50.0 <= row["start"] < row["end"] for row in rows)
    assert {row["info"]["pid"] for row in rows} == set(pids(marks))
    assert os.getpid() not in pids(marks)
    assert {row["info"]["threads"] for row in rows} == {1}
    wait_for(lambda: not any(map(alive, pids(marks))))


def test_a_killed_worker_costs_a_retried_trial(tmp_path: Path, address: str) -> None:
    marks, gate = folders(tmp_path)
    options = {"marks": str(marks), "gate": str(gate)}
    with closing(build_engine(settings(2, address, **options), Live(), 0.0)) as engine:
        for number in range(2):
            engine.start(job(number, worker=number))
        wait_for(lambda: len(pids(marks)) == 2)
        victim = pids(marks)[0]
        os.kill(victim, signal.SIGKILL)
        let_pass(gate, 2)
        ended = [next_end(engine) for _ in range(2)]
        assert engine.next_completed(wait=True) is None
    assert {end.job.number for end in ended} == {0, 1}
    assert {end.observation.status for end in ended} == {"ok"}
    assert len(pids(marks)) == 3  # one was evaluated twice
    assert victim not in {end.observation.info["pid"] for end in ended}


def test_a_trial_that_kills_every_worker_fails_and_the_run_goes_on(address: str) -> None:
    with closing(build_engine(settings(2, address, faults=FAULTS), Live(), 0.0)) as engine:
        engine.start(job(0, "die"))
        lost = next_end(engine)
        assert lost.observation.status == "failed"
        assert "its workers died" in lost.observation.info["error"]
        assert len(lost.observation.info["error"].splitlines()) == 1
        assert lost.observation.cost == lost.end - lost.job.start > 0
        engine.start(job(1, "ok"))
        assert next_end(engine).observation.status == "ok"


def test_what_hangs_raises_or_returns_rubbish_is_one_trial(address: str) -> None:
    limited = settings(2, address, faults=FAULTS, limit=1.0)
    with closing(build_engine(limited, Live(), 0.0)) as engine:
        for number in range(2):  # on both workers
            engine.start(job(number, "hang", worker=number))
        hung = [next_end(engine).observation for _ in range(2)]
    assert [(each.status, each.cost) for each in hung] == [("timeout", 1.0)] * 2
    # the others may take as long as they need
    kinds = ("raise", "rubbish", "lock")
    unhurried = settings(4, address, faults=FAULTS, limit=PATIENCE)
    with closing(build_engine(unhurried, Live(), 0.0)) as engine:
        for number, fault in enumerate(kinds):
            engine.start(job(number, fault, worker=number))
        seen = {}
        for _ in kinds:
            end = next_end(engine)
            seen[kinds[end.job.number]] = end.observation
        engine.start(job(9, "ok"))
        assert next_end(engine).observation.status == "ok"
    assert {seen[kind].status for kind in kinds[:2]} == {"failed"}
    assert "on purpose" in seen["raise"].info["error"]
    assert "not an Observation" in seen["rubbish"].info["error"]
    assert "_thread.lock object" in seen["lock"].info["lock"]


def test_an_evaluation_may_start_processes_of_its_own_under_a_limit(address: str) -> None:
    """Dask's workers are daemonic: what multiprocessing starts there must have no children."""
    nested = settings(2, address, limit=PATIENCE, _target_="support.nested.Nested", name="nested")
    with closing(build_engine(nested, Live(), 0.0)) as engine:
        engine.start(job(0))
        assert next_end(engine).observation.info == {"doubled": 42}


def test_what_cannot_be_sent_by_a_worker_is_sent_as_text(address: str) -> None:
    with closing(build_engine(settings(2, address, faults=FAULTS), Live(), 0.0)) as engine:
        engine.start(job(0, "lock"))
        observation = next_end(engine).observation
    assert observation.status == "ok"
    assert "_thread.lock object" in observation.info["lock"]


def test_a_task_that_cannot_be_built_in_a_worker_fails_its_trials(address: str) -> None:
    here = settings(2, address, builder=os.getpid())
    with closing(build_engine(here, Live(), 0.0)) as engine:
        for number in range(2):
            engine.start(job(number, worker=number))
        for _ in range(2):
            observation = next_end(engine).observation
            assert observation.status == "failed"
            assert "cannot be built here" in observation.info["error"]


def test_more_trials_than_workers_wait_for_one(address: str) -> None:
    with closing(build_engine(settings(5, address), Live(), 0.0)) as engine:
        for number in range(5):
            engine.start(job(number, worker=number))
        assert engine.idle_worker() is None
        assert {next_end(engine).job.number for _ in range(5)} == set(range(5))
        assert engine.idle_worker() == 0


@pytest.mark.parametrize("where", ["tcp://127.0.0.1:{port}", "127.0.0.1:{port}", "rubbish://x:1"])
def test_no_scheduler_at_the_address_is_one_line_in_time(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts = []

    class Watched(Client):
        def __init__(self, *arguments: Any, timeout: float, **options: Any) -> None:
            timeouts.append(timeout)
            super().__init__(*arguments, timeout=timeout, **options)

    monkeypatch.setattr(dask_cluster, "Client", Watched)
    monkeypatch.setattr(dask_cluster, "CONNECT_TIMEOUT", 2.0)
    with socket.socket() as unused:  # bound, not listening: nobody answers
        unused.bind(("127.0.0.1", 0))
        named = where.format(port=unused.getsockname()[1])
        with pytest.raises(ConfigError) as refused:
            Dask(evaluated(), 0, 2, named, 0.0)
    assert str(refused.value) == f"workers.address={named}: no Dask scheduler answers"
    assert timeouts == [2.0]


@pytest.mark.slow
def test_a_scheduler_that_dies_ends_the_run_and_the_same_command_resumes(tmp_path: Path) -> None:
    _, gate = folders(tmp_path)
    let_pass(gate, 3)
    quick = ["method=random", "task=live", f"task.gate={gate}", "budget.trials=12", "plot=false"]
    arguments = [*quick, "workers.n=2", "workers.engine=dask"]
    with scheduler(tmp_path) as (process, named), workers(tmp_path, named, 2):
        running = start(tmp_path, *arguments, f"workers.address={named}")
        wait_for(lambda: held_in(tmp_path) == (3, 2))
        process.kill()
        output, errors = running.communicate(timeout=PATIENCE)
    before = trace_in(tmp_path).path.read_bytes()
    assert running.returncode == 1, output + errors
    failures = errors.splitlines()
    assert failures[0].startswith(f"failed: SchedulerError: the Dask scheduler at {named} is gone")
    assert failures[1:] == [
        "1 of 1 runs failed:",
        f"  {trace_in(tmp_path).path.parent.relative_to(tmp_path)}",
    ]
    assert len(rows_in(tmp_path)) == 3
    let_pass(gate, 100)
    with scheduler(tmp_path) as (_, named), workers(tmp_path, named, 2):
        running = start(tmp_path, *arguments, f"workers.address={named}")
        output, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output + errors
    assert "2 of them evaluated again" in output
    assert errors == ""
    assert trace_in(tmp_path).path.read_bytes().startswith(before)
    assert sorted(row["trial"] for row in rows_in(tmp_path)) == list(range(12))


def test_an_address_where_nobody_answers_is_refused_by_the_command_line(tmp_path: Path) -> None:
    command = ["method=random", "task=live", "plot=false", "workers.engine=dask"]
    refused = call(tmp_path, *command, "workers.address=rubbish://x:1")
    assert refused.returncode == 2
    assert refused.stderr == "error: workers.address=rubbish://x:1: no Dask scheduler answers\n"


@pytest.fixture(scope="module")
def threaded() -> Iterator[str]:
    """Its one worker has four threads, as ``dask worker`` starts by default."""
    with lasting(workers=1, threads=4) as cluster:
        yield cluster.scheduler_address


@pytest.mark.parametrize("limit", [None, PATIENCE])
def test_threads_of_a_worker_evaluate_in_a_process_each_and_mix_nothing_up(
    limit: float | None, threaded: str, tmp_path: Path
) -> None:
    options = {"marks": str(tmp_path), "together": 4, "least": 0.0, "most": 0.2, "limit": limit}
    with closing(build_engine(settings(4, threaded, **options), Live(), 0.0)) as engine:
        for number in range(4):
            engine.start(job(number, FAULTS[number], worker=number))
        ended = [next_end(engine) for _ in range(4)]
    for end in ended:
        expected = end.job.evaluate(Live(most=0.2), 0)
        assert end.observation.loss == expected.loss
        assert end.observation.status == "ok"
    assert len({end.observation.info["pid"] for end in ended}) == 4


def test_a_lasting_cluster_keeps_the_task_of_the_latest_run_only(
    address: str, tmp_path: Path
) -> None:
    for run in range(3):
        options = {"marks": str(tmp_path), "most": 0.01 * run, "limit": PATIENCE}
        limited = settings(2, address, seed=run, **options)
        with closing(build_engine(limited, Live(), 0.0)) as engine:
            for number in range(2):
                engine.start(job(number, worker=number))
            seen = [next_end(engine).observation for _ in range(2)]
        assert [observation.info.get("error") for observation in seen] == [None] * 2
    assert len({pid for pid in pids(tmp_path) if alive(pid)}) <= 2


def test_no_share_of_the_memory_is_set_for_a_worker() -> None:
    with closing(Dask(evaluated(), 0, 2, None, 0.0)) as engine:
        workers = engine._client.scheduler_info(n_workers=-1)["workers"].values()
        assert [worker["memory_limit"] for worker in workers] == [0, 0]


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_cluster_without_workers_is_said_once_and_given_up_in_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    watch = Watch("tcp://x", clock)
    for clock.now in (0.0, 9.0, 10.0, 20.0, 599.0):
        watch.look({})
    line = "the Dask scheduler at tcp://x has no workers: waiting for one\n"
    assert capsys.readouterr().err == line
    watch.look({"a": 1.0})  # one came
    for clock.now in (600.0, 1199.0):
        watch.look({})
    clock.now = 1200.0
    with pytest.raises(SchedulerError, match="has no workers"):
        watch.look({})


def test_a_worker_without_heartbeats_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    watch = Watch("tcp://x", clock)
    for second in range(0, 200, 10):
        clock.now = float(second)
        watch.look({"beats": clock.now, "frozen": min(clock.now, 50.0)})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("the Dask worker frozen has been silent for 60 s")


@pytest.mark.slow
def test_a_frozen_worker_is_replaced_and_its_trial_evaluated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "SILENT_AFTER", 5.0)
    marks, gate = folders(tmp_path)
    options = {"marks": str(marks), "gate": str(gate)}
    with closing(build_engine(settings(2, **options), Live(), 0.0)) as engine:
        for number in range(2):
            engine.start(job(number, worker=number))
        wait_for(lambda: len(pids(marks)) == 2)
        frozen = pids(marks)[0]
        os.kill(frozen, signal.SIGSTOP)
        let_pass(gate, 100)
        ended = [next_end(engine) for _ in range(2)]
    print(f"a worker frozen by SIGSTOP: its trial ended after {ended[-1].end:.0f} s")
    assert {end.job.number for end in ended} == {0, 1}
    assert {end.observation.status for end in ended} == {"ok"}
    assert frozen not in {end.observation.info["pid"] for end in ended}
    wait_for(lambda: not alive(frozen))


@pytest.mark.slow
def test_workers_that_lack_the_module_of_a_task_end_the_run(tmp_path: Path) -> None:
    only_here = tmp_path / "here"
    only_here.mkdir()
    (only_here / "only_here.py").write_text("from support.live import Live as T\n")
    yaml = tmp_path / "conf" / "task" / "mine.yaml"
    yaml.parent.mkdir(parents=True)
    yaml.write_text("_target_: only_here.T\nname: mine\n")
    command = ["method=random", "task=mine", "allow=[only_here]", "plot=false", "workers.n=2"]
    command += ["workers.engine=dask", "budget.trials=50"]
    with scheduler(tmp_path) as (_, named), workers(tmp_path, named, 2):
        running = start(
            tmp_path, *command, f"workers.address={named}", path=[only_here], conf=yaml.parents[1]
        )
        output, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 1, output + errors
    assert errors.startswith("failed: WorkerFailuresError: 3 failures in a row: ")
    assert "No module named 'only_here'" in errors
    assert len(rows_in(tmp_path)) < 10


@pytest.mark.slow
def test_a_scheduler_without_workers_is_said_after_ten_seconds(tmp_path: Path) -> None:
    command = ["method=random", "task=live", "plot=false", "workers.n=2", "workers.engine=dask"]
    with scheduler(tmp_path) as (_, named):
        running = start(tmp_path, *command, f"workers.address={named}", "budget.trials=4")
        assert running.stderr is not None
        line = running.stderr.readline()
        assert line == f"the Dask scheduler at {named} has no workers: waiting for one\n"
        with workers(tmp_path, named, 2):
            output, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, output + errors
    assert len(rows_in(tmp_path)) == 4
