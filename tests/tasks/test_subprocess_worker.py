from __future__ import annotations

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.subprocess_worker import (
    THREAD_VARIABLES,
    WorkerFailureError,
    WorkerProcess,
    WorkerTimeoutError,
)

ROOT = Path(__file__).resolve().parents[2]
# Each worker's function is the source of a lambda, which ``eval`` builds.
BUSY = (
    "lambda seconds: [t := __import__('time'), end := t.process_time() + seconds,"
    " sum(0 for _ in iter(lambda: t.process_time() < end, False))] and 'done'"
)


@pytest.fixture
def adder() -> Iterator[WorkerProcess]:
    worker = WorkerProcess(eval, "lambda a, b: a + b")
    yield worker
    worker.close()


def test_returns_the_result_and_keeps_its_process_between_calls() -> None:
    worker = WorkerProcess(eval, "lambda: __import__('os').getpid()")
    first = worker.call(limit=30)
    assert first == worker.call(limit=30) != os.getpid()
    worker.close()


def test_an_exception_is_a_failure_that_names_it_and_the_child_goes_on(
    adder: WorkerProcess,
) -> None:
    with pytest.raises(WorkerFailureError, match=r"^TypeError: .*str"):
        adder.call(1, "one", limit=30)
    assert adder.call(1, 2, limit=30) == 3


def test_a_result_that_cannot_be_sent_is_a_failure_and_the_worker_goes_on() -> None:
    worker = WorkerProcess(eval, "lambda bad: __import__('threading').Lock() if bad else 'good'")
    with pytest.raises(WorkerFailureError, match=r"^TypeError: cannot pickle '_thread.lock'"):
        worker.call(True, limit=30)
    assert worker.call(False, limit=30) == "good"
    worker.close()


def test_an_exception_while_building_is_a_failure_that_names_it() -> None:
    worker = WorkerProcess(eval, "1 / 0")
    with pytest.raises(WorkerFailureError, match="ZeroDivisionError"):
        worker.call(limit=30)


def test_a_call_over_the_limit_is_killed_and_the_next_one_works() -> None:
    worker = WorkerProcess(eval, BUSY)
    worker.call(0, limit=30)
    assert worker._process is not None
    pid = worker._process.pid
    assert pid is not None
    with pytest.raises(WorkerTimeoutError, match=r"killed after 0\.7 s"):
        worker.call(300, limit=0.7)
    assert not alive(pid)
    assert worker.call(0, limit=30) == "done"
    worker.close()


def test_the_limit_does_not_count_starting_the_child() -> None:
    worker = WorkerProcess(eval, "[__import__('time').sleep(1.0), lambda: 'up'][1]")
    assert worker.call(limit=0.4) == "up"
    worker.close()


def test_a_child_that_dies_is_a_failure_with_its_exit_code_and_the_next_call_works() -> None:
    worker = WorkerProcess(eval, "lambda code: __import__('os')._exit(code) if code else 'alive'")
    with pytest.raises(WorkerFailureError, match="exit code 7"):
        worker.call(7, limit=30)
    assert worker.call(0, limit=30) == "alive"
    worker.close()


def test_a_child_that_dies_at_start_is_a_failure() -> None:
    with pytest.raises(WorkerFailureError, match="died at start"):
        WorkerProcess(eval, "__import__('os')._exit(3)").call(limit=30)


def test_a_child_that_is_never_ready_is_killed_and_a_failure() -> None:
    worker = WorkerProcess(eval, "__import__('time').sleep(60)", start_limit=1.0)
    with pytest.raises(WorkerFailureError, match="not ready after 1 s"):
        worker.call(limit=30)
    assert not [each for each in multiprocessing.active_children() if each.is_alive()]


def test_a_child_has_as_many_threads_as_it_is_told() -> None:
    worker = WorkerProcess(eval, "lambda: __import__('os').environ['OMP_NUM_THREADS']", threads=3)
    assert worker.call(limit=30) == "3"
    worker.close()


def test_a_builder_that_cannot_be_pickled_fails_the_same_way_every_time() -> None:
    worker = WorkerProcess(lambda: None)
    for _ in range(2):
        with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
            worker.call(limit=1)


def test_a_pause_stops_the_child_and_the_clock() -> None:
    worker = WorkerProcess(eval, BUSY)
    worker.call(0, limit=30)
    states: list[str] = []
    asked = iter([True] * 12 + [False] * 1000)

    def pause() -> bool:
        assert worker._process is not None
        states.append(Path(f"/proc/{worker._process.pid}/stat").read_text().split()[2])
        return next(asked)

    # 1 s of work, at least 2 s of pause, a limit below their sum
    started = time.monotonic()
    assert worker.call(1.0, limit=2.5, pause=pause) == "done"
    assert time.monotonic() - started > 2.5
    assert "T" in states
    assert worker.paused > 1.9
    worker.call(0, limit=30)
    assert worker.paused == 0
    worker.close()


def test_a_call_that_was_interrupted_never_answers_the_next_one() -> None:
    worker = WorkerProcess(eval, "lambda seconds: [__import__('time').sleep(seconds), seconds][1]")

    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.call(1.2, limit=30, pause=interrupt)
    assert worker.call(0.5, limit=30) == 0.5
    worker.close()


def test_children_run_on_one_thread_and_leave_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(THREAD_VARIABLES[0], "5")
    monkeypatch.delenv(THREAD_VARIABLES[1], raising=False)
    before = dict(os.environ)
    seen: list[list[str]] = []

    def start_one() -> None:  # as the recorder's workers do, at once
        worker = WorkerProcess(
            eval, f"lambda: [__import__('os').environ[n] for n in {THREAD_VARIABLES}]"
        )
        seen.append(worker.call(limit=30))
        worker.close()

    threads = [threading.Thread(target=start_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["1", "1", "1"]] * 4
    assert dict(os.environ) == before


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_a_busy_child_dies_with_its_parent() -> None:
    script = (
        "import threading, time; from tasks.subprocess_worker import WorkerProcess\n"
        'worker = WorkerProcess(eval, \'lambda s: [print(__import__("os").getpid(), flush=True),'
        ' __import__("time").sleep(s)]\')\n'
        "if __name__ == '__main__': worker.call(300, limit=300)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        parent.kill()
    deadline = time.monotonic() + 20
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(pid)


def alive(pid: int) -> bool:
    """True unless the process is gone or only waits for its parent to collect it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
