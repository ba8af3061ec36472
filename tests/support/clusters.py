"""Dask schedulers and workers in processes of their own, on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.cli import ENVIRONMENT
from support.waiting import wait_for

QUIET = {**ENVIRONMENT, "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}


@contextmanager
def scheduler(folder: Path, port: int = 0) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler: its process, which may be killed, and its address."""
    file = folder / "scheduler.json"
    file.unlink(missing_ok=True)
    process = _dask(
        folder, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard",
        "--scheduler-file", str(file),
    )  # fmt: skip
    try:
        wait_for(lambda: file.exists() and file.read_text().endswith("}"))
        yield process, json.loads(file.read_text())["address"]
    finally:
        _stop(process)


@contextmanager
def workers(folder: Path, address: str, n: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Worker processes without nannies: one that dies stays dead."""
    started = [
        _dask(folder, "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard")
        for _ in range(n)
    ]
    try:
        yield started
    finally:
        for process in started:
            _stop(process)


def _dask(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "dask", *arguments]
    with open(os.devnull, "wb") as nowhere:
        return subprocess.Popen(command, cwd=folder, env=QUIET, stdout=nowhere, stderr=nowhere)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
