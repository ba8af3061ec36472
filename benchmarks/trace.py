"""A run's folder: ``trace.jsonl`` (one row a trial), ``config.yaml``, ``meta.json``."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.core.trial import Trial

# What a clock is read for. Equal runs have equal rows but for these (and, on live tasks, the costs
# and info.wall, which are clock readings too).
CLOCK_FIELDS = ("started", "ended", "suggest_overhead", "recommend_overhead")


class Trace:
    """The trace file of one run; rows are appended and handed to the operating system at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> list[dict[str, Any]]:
        """Read the rows; a torn last line (the run was killed) is cut off the file.

        Raises:
            ValueError: any other line is not JSON, or trial numbers are not 0, 1, 2, ...
        """
        if not self.path.exists():
            return []
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            with self.path.open("r+b") as file:
                file.truncate(whole)
        rows = []
        for number, line in enumerate(content[:whole].splitlines()):
            try:
                row = json.loads(line)
                in_order = row["trial"] == number
            except (ValueError, KeyError, TypeError):
                in_order = False
            if not in_order:
                raise ValueError(f"{self.path}, line {number + 1}: not the row of trial {number}")
            rows.append(row)
        return rows

    def open(self) -> TraceWriter:
        """Open for appending; use in a ``with`` block."""
        return TraceWriter(self.path)


class TraceWriter:
    """Appends rows to a trace."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab")

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row and flush it, so that a killed process loses no finished trial."""
        self._file.write(json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def trial_of(row: Mapping[str, Any]) -> Trial:
    """What a method may know of a row."""
    loss = math.nan if row["loss"] is None else row["loss"]
    names = ("cost", "status", "note", "suggest_overhead")
    return Trial(row["trial"], row["config"], row["fidelity"], loss, *(row[n] for n in names))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file in one piece: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(json.dumps(content, indent=1, default=str) + "\n")
    os.replace(temporary, path)


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file; an empty dict if there is none."""
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text())
    return content
