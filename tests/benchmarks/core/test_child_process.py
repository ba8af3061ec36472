"""Real processes, and what /proc says of them afterwards."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.core import child_process
from benchmarks.core.child_process import ChildDiedError, ChildProcess, ChildTimeoutError
from benchmarks.core.codecs import JsonLines
from support import clock
from support.processes import alive, own_children, running_in, stopped
from support.waiting import PATIENCE, wait_for

ROOT = Path(__file__).resolve().parents[3]
# answers every request, once it has done what the request says
ECHO = """
import json, os, subprocess, sys, time
requests, answers = os.fdopen(int(sys.argv[1])), os.fdopen(int(sys.argv[2]), "w")
for line in requests:
    request = json.loads(line)
    exec(request.get("do", ""))
    print(json.dumps({"got": request, "pid": os.getpid()}), file=answers, flush=True)
"""
FORK = "request['fork'] = os.fork()\nif not request['fork']: time.sleep(3600); os._exit(0)\n"
HANG = "time.sleep(3600)\n"


def child(code: str = ECHO, **options: Any) -> ChildProcess:
    return ChildProcess([sys.executable, "-c", code], JsonLines(), **options)


@pytest.fixture
def echo() -> Iterator[ChildProcess]:
    started = child()
    yield started
    started.close()


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Checks that a test leaves no process, no zombie and no open file."""
    warm_up = child()  # the watchdog stays
    warm_up.close()
    files, children = len(os.listdir("/proc/self/fd")), own_children()
    yield
    gc.collect()
    assert own_children() == children
    assert len(os.listdir("/proc/self/fd")) == files


def forked(echo: ChildProcess) -> int:
    """Let the command fork; return the grandchild."""
    grandchild = echo.call({"do": FORK}, PATIENCE)["got"]["fork"]
    assert alive(grandchild)
    return int(grandchild)


def test_one_process_answers_all_messages(echo: ChildProcess) -> None:
    first = echo.call({"n": 1}, PATIENCE)
    assert first == {"got": {"n": 1}, "pid": echo.pid}
    assert echo.call({"n": 2}, PATIENCE)["pid"] == echo.pid
    assert echo.alive


def test_it_runs_in_a_session_and_group_of_its_own(echo: ChildProcess) -> None:
    do = "request |= {'group': os.getpgid(0), 'session': os.getsid(0)}"
    seen = echo.call({"do": do}, PATIENCE)["got"]
    assert seen["group"] == seen["session"] == echo.pid != os.getpgid(0)


def test_messages_larger_than_a_pipe_holds(echo: ChildProcess) -> None:
    assert echo.call({"long": "x" * 3_000_000}, PATIENCE)["got"]["long"] == "x" * 3_000_000


def test_what_it_prints_is_no_answer(capfd: pytest.CaptureFixture[str]) -> None:
    echo = child()
    do = "print('printed', flush=True); os.system('echo from below'); os.write(1, b'{}\\n')"
    assert echo.call({"do": do, "n": 1}, PATIENCE)["got"]["n"] == 1
    assert capfd.readouterr().out == "printed\nfrom below\n{}\n"
    echo.close()


def test_a_message_that_it_sends_without_being_asked() -> None:
    greeting = ECHO.replace(
        "for line", 'print("{\\"up\\": 1}", file=answers, flush=True)\nfor line'
    )
    started = child(greeting)
    assert started.receive(PATIENCE) == {"up": 1}
    assert started.call({}, PATIENCE)["got"] == {}
    started.close()


def test_the_environment_is_that_which_is_given() -> None:
    started = child(environment={"ONLY": "this"})
    assert (
        started.call({"do": "request['e'] = os.environ.get('ONLY')"}, PATIENCE)["got"]["e"]
        == "this"
    )
    started.close()


# ---- limits


@pytest.mark.parametrize(
    "do",
    [
        HANG,
        "answers.write('half an answer'); answers.flush(); time.sleep(3600)",
        "while True: os.write(answers.fileno(), b'x'); time.sleep(0.01)",
    ],
    ids=["silent", "half", "endless"],
)
def test_a_time_limit_kills_the_command_and_what_it_has_started(
    echo: ChildProcess, do: str
) -> None:
    grandchild = forked(echo)
    with pytest.raises(ChildTimeoutError, match=r"^no answer within 0\.5 s$"):
        echo.call({"do": do}, 0.5)
    assert not echo.alive
    wait_for(lambda: not running_in(echo.pid))
    assert not alive(grandchild)


def test_one_that_reads_nothing_is_given_up_in_time() -> None:
    started = child("import time; time.sleep(3600)")
    with pytest.raises(ChildTimeoutError):
        started.call({"long": "x" * 3_000_000}, 0.5)
    assert not started.alive


def test_a_pause_stops_the_whole_group_and_the_clock(
    echo: ChildProcess, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    busy = "import os, time\nwhile True: time.sleep(0.01)"
    do = f"request['fork'] = subprocess.Popen([sys.executable, '-c', {busy!r}]).pid"
    grandchild = echo.call({"do": do}, PATIENCE)["got"]["fork"]
    limits, gate = clock.hold(monkeypatch, child_process), tmp_path / "gate"
    answers = [True] * 5 + [False]
    states: list[set[str]] = []

    def pause() -> bool:
        if len(states) == 1:  # the first answer stops the group
            wait_for(lambda: stopped(echo.pid))
            limits.now += 100.0
        if len(states) == len(answers):  # the first look after the pause
            gate.touch()
        group = running_in(echo.pid)
        assert {process.pid for process in group} == {echo.pid, grandchild}
        states.append({process.state for process in group})
        return len(states) <= len(answers) and answers[len(states) - 1]

    work = f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)"
    # it answers, though 100 s have passed
    assert echo.call({"do": work}, 50, pause)["pid"] == echo.pid
    assert "T" not in states[0]
    assert states[1:6] == [{"T"}] * 5
    assert echo.paused == 100
    echo.call({}, 50)
    assert echo.paused == 0


def test_an_interrupted_call_kills_it_since_its_answer_must_not_be_read(
    echo: ChildProcess,
) -> None:
    def interrupt() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        echo.call({"do": HANG}, PATIENCE, interrupt)
    assert not echo.alive


# ---- deaths


@pytest.mark.parametrize(
    ("do", "how"),
    [
        ("os._exit(7)", "exit code 7"),
        ("sys.exit(3)", "exit code 3"),
        ("os.kill(os.getpid(), 9)", "killed by SIGKILL"),
        ("os.abort()", "killed by SIGABRT"),
        ("os.kill(os.getpid(), 40)", "killed by signal 40"),
    ],
)
def test_a_death_says_how(echo: ChildProcess, do: str, how: str) -> None:
    with pytest.raises(ChildDiedError) as died:
        echo.call({"do": do}, PATIENCE)
    assert (str(died.value), died.value.last_line) == (how, "")
    assert not echo.alive


def test_a_command_that_only_closes_its_pipes_is_killed(
    echo: ChildProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    do = "os.close(requests.fileno()); os.close(answers.fileno()); time.sleep(3600)"
    with pytest.raises(ChildDiedError, match=r"^no exit code: it only closed its pipes$"):
        echo.call({"do": do}, PATIENCE)
    assert not echo.alive


def test_output_that_is_kept_is_quoted(capfd: pytest.CaptureFixture[str]) -> None:
    for do, line in [("raise KeyError('lost')", "KeyError: 'lost'"), ("os._exit(1)", "")]:
        started = child(keep_output=True)
        with pytest.raises(ChildDiedError, match=r"^exit code 1$") as died:
            started.call({"do": do}, PATIENCE)
        assert died.value.last_line == line
    assert capfd.readouterr().err == ""


def test_an_answer_that_is_no_message_kills_it(echo: ChildProcess) -> None:
    with pytest.raises(ValueError, match="not a JSON object: 'rubbish"):
        echo.call({"do": "answers.write('rubbish\\n')"}, PATIENCE)
    assert not echo.alive


def test_what_cannot_be_started_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "command").write_text("")
    for name in ("command", "missing"):
        with pytest.raises(OSError, match=name):
            ChildProcess([str(tmp_path / name)], JsonLines(), keep_output=True)


# ---- the end


def test_closing_kills_what_it_has_started_and_may_be_repeated(echo: ChildProcess) -> None:
    grandchild = forked(echo)
    echo.close()
    echo.close()
    wait_for(lambda: not running_in(echo.pid))
    assert not alive(grandchild)


def test_a_call_after_closing_is_a_death(echo: ChildProcess) -> None:
    echo.close()
    with pytest.raises(ChildDiedError, match=r"^it was closed$"):
        echo.call({}, PATIENCE)


def test_it_ends_with_its_object() -> None:
    started = child()
    pid, grandchild = started.pid, forked(started)
    del started
    gc.collect()
    wait_for(lambda: not running_in(pid))
    assert not alive(grandchild)


def test_closing_ends_a_call_in_another_thread(echo: ChildProcess, tmp_path: Path) -> None:
    seen: list[BaseException] = []
    called = tmp_path / "called"

    def wait() -> None:
        try:
            echo.call({"do": f"open({str(called)!r}, 'w').close(); {HANG}"}, PATIENCE)
        except ChildDiedError as error:
            seen.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    wait_for(called.exists)
    echo.close()
    thread.join(PATIENCE)
    assert [str(error) for error in seen] == ["killed by SIGKILL"]


def test_a_fork_of_this_process_that_ends_leaves_it_alone(echo: ChildProcess) -> None:
    code = f"""
import os, sys
from benchmarks.core import child_process
from benchmarks.core.child_process import ChildProcess
from benchmarks.core.codecs import JsonLines
echo = ChildProcess([sys.executable, "-c", {ECHO!r}], JsonLines())
echo.call({{}}, 600)
if not os.fork():
    sys.exit()  # runs what is to be done at exit
os.wait()
print(echo.alive and echo.call({{"n": 1}}, 600)["got"])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "{'n': 1}\n"
    assert done.stderr == ""
