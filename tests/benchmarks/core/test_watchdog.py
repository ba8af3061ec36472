"""Parents that die, with what they have started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.core import watchdog
from benchmarks.core.child_process import ChildProcess
from benchmarks.core.codecs import JsonLines
from support.processes import alive, children_of, running_in
from support.waiting import wait_for

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
PARENT = f"""
import os, sys
from benchmarks.core.child_process import ChildProcess
from benchmarks.core.codecs import JsonLines
echo = ChildProcess([sys.executable, "-c", {ECHO!r}], JsonLines())
grandchild = echo.call({{"do": {FORK!r}}}, 600)["got"]["fork"]
other = os.fork() if "fork" in sys.argv else None
if other == 0:
    import time; time.sleep(3600)
print(echo.pid, grandchild, other or 0, flush=True)
if "leave" not in sys.argv:
    echo.call({{"do": {HANG!r}}}, 3600, pause=lambda: "pause" in sys.argv)
"""


@pytest.mark.parametrize("state", ["busy", "pause", "fork"])
def test_a_killed_parent_takes_the_group_with_it(state: str) -> None:
    """Also while the group is stopped, and while a fork of the parent lives on."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, state], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        pid, grandchild, other = map(int, parent.stdout.readline().split())
        if state == "pause":
            wait_for(lambda: {process.state for process in running_in(pid)} == {"T"})
        assert alive(pid)
        assert alive(grandchild)
        (guard,) = [p.pid for p in children_of(parent.pid) if p.pid not in (pid, other)]
        parent.kill()
        wait_for(lambda: not running_in(pid))
        wait_for(lambda: not alive(guard))
        if other:
            assert alive(other)
            os.kill(other, signal.SIGKILL)


def test_a_parent_that_ends_takes_the_group_with_it() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", PARENT, "leave"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    pid, grandchild, _ = map(int, done.stdout.split())
    assert done.stderr == ""
    wait_for(lambda: not running_in(pid))
    assert not alive(grandchild)


def test_a_watchdog_that_was_killed_is_replaced() -> None:
    code = PARENT.replace(
        "print(echo.pid",
        """
from benchmarks.core import watchdog
watchdog._process.kill(); watchdog._process.wait()
second = ChildProcess([sys.executable, "-c", "import time; time.sleep(3600)"], JsonLines())
print(second.pid, echo.pid""",
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, "busy"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent:
        second, pid, grandchild, _ = map(int, parent.stdout.readline().split())
        assert all(map(alive, (second, pid, grandchild)))
        parent.kill()
        wait_for(lambda: not any(map(alive, (second, pid, grandchild))))


def test_a_group_that_has_ended_is_not_watched() -> None:
    echo = ChildProcess([sys.executable, "-c", ECHO], JsonLines())
    assert echo.pid in watchdog._groups
    echo.close()
    assert echo.pid not in watchdog._groups
