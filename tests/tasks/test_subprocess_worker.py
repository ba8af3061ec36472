from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.core import child_process
from support import clock
from support.processes import alive, own_children, running_in, stopped
from support.waiting import PATIENCE, wait_for
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

UNTIL = (
    "lambda gate, answer: [t := __import__('time'), there := __import__('os').path.exists,"
    " sum(t.sleep(0.01) or 0 for _ in iter(lambda: there(gate), True)), answer][-1]"
)
"""answers once the file ``gate`` is there"""
FORK = (
    "lambda: [o := __import__('os'), t := __import__('time'), pid := o.fork(),"
    " pid or (t.sleep(3600), o._exit(0))] and pid"
)


@pytest.fixture
def adder() -> Iterator[WorkerProcess]:
    worker = WorkerProcess(eval, "lambda a, b: a + b")
    yield worker
    worker.close()


def test_returns_the_result_and_keeps_its_process_between_calls() -> None:
    worker = WorkerProcess(eval, "lambda: __import__('os').getpid()")
    first = worker.call(limit=PATIENCE)
    assert first == worker.call(limit=PATIENCE) != os.getpid()
    worker.close()


def test_an_exception_is_a_failure_that_names_it_and_the_child_goes_on(
    adder: WorkerProcess,
) -> None:
    with pytest.raises(WorkerFailureError, match=r"^TypeError: .*str"):
        adder.call(1, "one", limit=PATIENCE)
    assert adder.call(1, 2, limit=PATIENCE) == 3


def test_a_result_that_cannot_be_sent_is_a_failure_and_the_worker_goes_on() -> None:
    worker = WorkerProcess(eval, "lambda bad: __import__('threading').Lock() if bad else 'good'")
    with pytest.raises(WorkerFailureError, match=r"^TypeError: cannot pickle '_thread.lock'"):
        worker.call(True, limit=PATIENCE)
    assert worker.call(False, limit=PATIENCE) == "good"
    worker.close()


def test_an_exception_while_building_is_a_failure_that_names_it() -> None:
    worker = WorkerProcess(eval, "1 / 0")
    with pytest.raises(WorkerFailureError, match="ZeroDivisionError"):
        worker.call(limit=PATIENCE)


def test_a_call_over_the_limit_is_killed_and_the_next_one_works() -> None:
    worker = WorkerProcess(eval, BUSY)
    worker.call(0, limit=PATIENCE)
    assert worker._child is not None
    pid = worker._child.pid
    assert pid is not None
    with pytest.raises(WorkerTimeoutError, match=r"killed after 0\.7 s"):
        worker.call(300, limit=0.7)
    assert not alive(pid)
    assert worker.call(0, limit=PATIENCE) == "done"
    worker.close()


def test_the_limit_does_not_count_starting_the_child(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits, built = clock.hold(monkeypatch, child_process), tmp_path / "built"
    # The child is built while the clock stands at 0 s; from then on it stands at 1000 s.
    monkeypatch.setattr(limits, "monotonic", lambda: 1000.0 * built.exists())
    # The answer takes longer than one look of half a second, so the limit is looked at.
    answer = "lambda: [__import__('time').sleep(0.6), 'up'][1]"
    worker = WorkerProcess(eval, f"[open({str(built)!r}, 'w').close(), {answer}][1]")
    assert worker.call(limit=500) == "up"
    worker.close()


def test_a_child_that_dies_is_a_failure_with_its_exit_code_and_the_next_call_works() -> None:
    worker = WorkerProcess(eval, "lambda code: __import__('os')._exit(code) if code else 'alive'")
    with pytest.raises(WorkerFailureError, match="exit code 7"):
        worker.call(7, limit=PATIENCE)
    assert worker.call(0, limit=PATIENCE) == "alive"
    worker.close()


def test_a_child_that_is_killed_is_a_failure_that_names_the_signal() -> None:
    worker = WorkerProcess(eval, "lambda s: __import__('os').kill(__import__('os').getpid(), s)")
    for number, name in ((9, "SIGKILL"), (11, "SIGSEGV")):
        with pytest.raises(
            WorkerFailureError, match=rf"^the worker process died \(killed by {name}\)$"
        ):
            worker.call(number, limit=PATIENCE)


def test_a_child_that_died_between_two_calls_is_replaced(adder: WorkerProcess) -> None:
    assert adder.call(1, 2, limit=PATIENCE) == 3
    assert adder._child is not None
    os.kill(adder._child.pid, 9)
    wait_for(lambda child=adder._child: not child.alive)
    assert adder.call(2, 2, limit=PATIENCE) == 4


def test_a_child_that_dies_at_start_is_a_failure() -> None:
    with pytest.raises(WorkerFailureError, match=r"died at start-up \(exit code 3\)$"):
        WorkerProcess(eval, "__import__('os')._exit(3)").call(limit=PATIENCE)


def test_a_death_is_noticed_while_a_grandchild_lives_on() -> None:
    """A fork has all open files of the child, so only closing them there ends the pipes."""
    worker = WorkerProcess(eval, f"lambda die: __import__('os')._exit(7) if die else ({FORK})()")
    grandchild = worker.call(False, limit=PATIENCE)
    with pytest.raises(WorkerFailureError, match="exit code 7"):
        worker.call(True, limit=PATIENCE)  # the fork lives longer
    wait_for(lambda: not alive(grandchild))


def test_a_child_that_is_never_ready_is_killed_and_a_failure() -> None:
    before = own_children()
    worker = WorkerProcess(eval, "__import__('time').sleep(3600)", start_limit=1.0)
    with pytest.raises(WorkerFailureError, match="not ready after 1 s"):
        worker.call(limit=PATIENCE)
    assert own_children() <= before


def test_a_child_has_as_many_threads_as_it_is_told() -> None:
    worker = WorkerProcess(eval, "lambda: __import__('os').environ['OMP_NUM_THREADS']", threads=3)
    assert worker.call(limit=PATIENCE) == "3"
    worker.close()


def test_a_builder_that_cannot_be_pickled_fails_the_same_way_every_time() -> None:
    worker = WorkerProcess(lambda: None)
    for _ in range(2):
        with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
            worker.call(limit=1)


def test_a_pause_stops_the_child_and_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits, gate = clock.hold(monkeypatch, child_process), tmp_path / "gate"
    worker = WorkerProcess(eval, UNTIL)
    answers = [True, True, True, False]
    states: list[set[str]] = []

    def pause() -> bool:
        assert worker._child is not None
        group = worker._child.pid
        if len(states) == 1:  # the first answer stops the child
            wait_for(lambda: stopped(group))
            limits.now += 100.0
        if len(states) == len(answers):  # the first look after the pause
            gate.touch()
        states.append({process.state for process in running_in(group)})
        return len(states) <= len(answers) and answers[len(states) - 1]

    assert worker.call(str(gate), 1, limit=50, pause=pause) == 1  # though 100 s have passed
    assert "T" not in states[0]
    assert states[1:4] == [{"T"}] * 3
    assert worker.paused == 100
    assert worker.call(str(gate), 2, limit=50) == 2
    assert worker.paused == 0
    worker.close()


def test_a_call_that_was_interrupted_never_answers_the_next_one(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    worker = WorkerProcess(eval, UNTIL)

    def interrupt() -> bool:
        gate.touch()  # the answer is on its way
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        worker.call(str(gate), 1, limit=PATIENCE, pause=interrupt)
    assert worker.call(str(gate), 2, limit=PATIENCE) == 2
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
        seen.append(worker.call(limit=PATIENCE))
        worker.close()

    threads = [threading.Thread(target=start_one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [["1", "1", "1"]] * 4
    assert dict(os.environ) == before


def test_what_a_call_prints_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    worker = WorkerProcess(
        eval, "lambda: [print('text'), __import__('os').system('echo more'), 'answer'][-1]"
    )
    assert worker.call(limit=PATIENCE) == "answer"
    assert worker.call(limit=PATIENCE) == "answer"
    worker.close()
    assert "more" in capfd.readouterr().out


@pytest.mark.parametrize("end", ["limit", "close"])
def test_what_a_child_has_started_dies_with_it(end: str) -> None:
    worker = WorkerProcess(
        eval, f"lambda hang: __import__('time').sleep(3600) if hang else ({FORK})()"
    )
    grandchild = worker.call(False, limit=PATIENCE)
    assert worker._child is not None
    group = worker._child.pid
    assert {each.pid for each in running_in(group)} == {group, grandchild}
    if end == "limit":
        with pytest.raises(WorkerTimeoutError):
            worker.call(True, limit=0.3)
    worker.close()
    wait_for(lambda: not running_in(group))
    assert not alive(grandchild)
    assert group not in own_children()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_busy_child_and_what_it_has_started_die_with_their_parent() -> None:
    code = (
        "lambda s: [o := __import__('os'), t := __import__('time'), pid := o.fork(),"
        " pid and print(o.getpid(), pid, flush=True), t.sleep(s)]"
    )
    script = (
        "from tasks.subprocess_worker import WorkerProcess\n"
        f"WorkerProcess(eval, {code!r}).call(3600, limit=3600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert all(map(alive, pids))
        parent.kill()
    wait_for(lambda: not any(map(alive, pids)))


# ---- what a child can import: as with multiprocessing


def script(folder: Path, *lines: str) -> subprocess.CompletedProcess[str]:
    """Run a script that begins with a worker and goes on with the lines."""
    path = folder / "script.py"
    path.write_text("from tasks.subprocess_worker import WorkerProcess\n" + "\n".join(lines))
    return subprocess.run(
        [sys.executable, str(path)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_module_beside_the_script_or_on_its_path_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("def build(n): return lambda: n + 1\n")
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "away.py").write_text("def build(n): return lambda: n + 2\n")
    done = script(
        tmp_path,
        "import sys; sys.path.append('far')",
        "import beside, away",
        "if __name__ == '__main__':",
        "    print([WorkerProcess(m.build, 1).call(limit=600) for m in (beside, away)])",
    )
    assert (done.stdout, done.stderr) == ("[2, 3]\n", "")


def test_a_function_of_the_script_itself_can_be_called(tmp_path: Path) -> None:
    done = script(
        tmp_path,
        "import os, sys",
        "def build(folder): return lambda: [folder == os.getcwd(), sys.argv[0], __name__]",
        "if __name__ == '__main__':",
        "    print(WorkerProcess(build, os.getcwd()).call(limit=600))",
    )
    assert (done.stdout, done.stderr) == (f"[True, '{tmp_path}/script.py', '__mp_main__']\n", "")


def test_a_function_of_a_module_that_runs_as_main_can_be_called(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "run.py").write_text(
        textwrap.dedent("""
            from tasks.subprocess_worker import WorkerProcess
            def build(): return lambda: __name__
            if __name__ == "__main__": print(WorkerProcess(build).call(limit=600))
        """)
    )
    done = subprocess.run(
        [sys.executable, "-m", "package.run"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("__mp_main__\n", "")


def test_a_script_that_starts_a_worker_whenever_it_is_imported_is_an_error_not_a_storm(
    tmp_path: Path,
) -> None:
    done = script(tmp_path, "print(WorkerProcess(eval, 'lambda: 1').call(limit=600))")
    assert done.returncode == 1
    assert "current process has finished its bootstrapping phase" in done.stderr
    assert done.stdout == ""


def test_what_cannot_be_imported_there_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "gone.py").write_text("def build(): return lambda: 1\n")
    done = script(
        tmp_path,
        "import os, gone",
        "if __name__ == '__main__':",
        "    os.remove('gone.py')",
        "    try: WorkerProcess(gone.build).call(limit=600)",
        "    except Exception as error: print(type(error).__name__, error)",
    )
    assert done.stdout == "WorkerFailureError ModuleNotFoundError: No module named 'gone'\n"
