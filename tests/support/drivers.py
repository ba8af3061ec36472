"""Command lines that are started, watched and killed; one run in a folder."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.runner.trace import Trace
from support.cli import command, with_path


def start(
    folder: Path, *arguments: str, path: Sequence[Path] = (), conf: Path | None = None
) -> subprocess.Popen[str]:
    """Start a run in ``folder``, in a process group of its own.

    ``path`` has folders of modules, and ``conf`` YAMLs, that are known to this process only.
    """
    # a shell's background job ignores Ctrl-C, and so would what it starts
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        command(*arguments, conf=conf),
        cwd=folder,
        env=with_path(path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def trace_in(folder: Path) -> Trace:
    """The trace of the only run in ``folder``, which may not be there yet."""
    found = list(folder.glob("results/runs/*/*/*/seed-*"))
    assert len(found) <= 1
    return Trace((found or [folder])[0] / "trace.jsonl")


def rows_in(folder: Path, name: str = "trace.jsonl") -> list[dict[str, Any]]:
    """The whole rows of a file of that run, its trace; the file is left as it is."""
    path = trace_in(folder).path.with_name(name)
    content = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def held_in(folder: Path) -> tuple[int, int]:
    """How many trials of that run have ended, and how many are under way."""
    ended = len(rows_in(folder))
    return ended, len(rows_in(folder, "started.jsonl")) - ended
