"""A small process that kills the process groups of this process once this process has died.

It reads from a pipe whose other end only this process holds, so the operating system tells it, even
if this process is killed by SIGKILL. There is one for all groups.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import threading

# Reads lines "+<group>" and "-<group>" until the pipe ends.
_CODE = """
import os, signal, sys
groups = set()
for line in sys.stdin.buffer:
    (groups.add if line[:1] == b"+" else groups.discard)(int(line[1:]))
for group in groups:
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        pass
"""
_lock = threading.Lock()
_groups: set[int] = set()
_process: subprocess.Popen[bytes] | None = None


def watch(group: int) -> None:
    """Have a process group killed when this process dies."""
    global _process
    with _lock:
        _groups.add(group)
        if _process is not None and _process.poll() is None:
            _tell(f"+{group}\n")
            return
        _process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _CODE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,  # Ctrl-C in the terminal must not end it
        )
        _tell("".join(f"+{each}\n" for each in _groups))


def forget(group: int) -> None:
    """Stop watching a process group that has ended, whose number may be used again."""
    with _lock:
        _groups.discard(group)
        if _process is not None and _process.poll() is None:
            _tell(f"-{group}\n")


def _tell(lines: str) -> None:
    assert _process is not None
    assert _process.stdin is not None
    _process.stdin.write(lines.encode())


def _end() -> None:
    global _process
    if _process is not None:
        _process.communicate()
        _process = None


def _leave_to_parent() -> None:
    """Give up, in a fork of this process, what belongs to the latter: groups, and end of pipe."""
    global _lock, _process
    _lock = threading.Lock()  # another thread may have held it
    _groups.clear()
    if _process is not None:
        assert _process.stdin is not None
        _process.stdin.close()
        _process.returncode = 0  # no child of the fork, so it must not wait for it
        _process = None


atexit.register(_end)
os.register_at_fork(after_in_child=_leave_to_parent)
