"""What /proc says of processes: who lives, who was not waited for, who belongs together."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from benchmarks.core import watchdog


class Process(NamedTuple):
    """One line of /proc/<pid>/stat."""

    pid: int
    state: str
    """R running, S asleep, T stopped, Z ended but not waited for"""
    parent: int
    group: int


def processes() -> list[Process]:
    """All processes, those that only wait to be waited for included."""
    return [found for path in Path("/proc").glob("[0-9]*") if (found := _read(path))]


def children_of(pid: int) -> list[Process]:
    """The processes whose parent is ``pid``."""
    return [process for process in processes() if process.parent == pid]


def own_children() -> set[int]:
    """The children of this process, zombies included, but for its watchdog, which stays."""
    stays = watchdog._process
    return {p.pid for p in children_of(os.getpid()) if stays is None or p.pid != stays.pid}


def running_in(group: int) -> list[Process]:
    """The processes of a group that have not ended."""
    return [p for p in processes() if p.group == group and p.state not in "ZX"]


def state_of(pid: int) -> str:
    """The state of a process; "" if it is gone."""
    found = _read(Path("/proc") / str(pid))
    return found.state if found else ""


def alive(pid: int) -> bool:
    """Whether a process runs (one that ended and was not asked for its exit code does not)."""
    return state_of(pid) not in ("", "Z", "X")


def stopped(group: int) -> bool:
    """Whether all processes of a group are stopped, by SIGSTOP."""
    return {process.state for process in running_in(group)} == {"T"}


def _read(path: Path) -> Process | None:
    try:
        fields = (path / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return Process(int(path.name), fields[0], int(fields[1]), int(fields[2]))
