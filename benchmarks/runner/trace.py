"""The files of a run: ``trace.jsonl`` (one row a trial that ended), ``started.jsonl``, and JSON."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from benchmarks.core.trial import Trial

# What a clock is read for. Equal runs have equal rows but for these (and, on live tasks, the costs
# and info.wall, which are clock readings too).
CLOCK_FIELDS = ("started", "ended", "suggest_overhead", "recommend_overhead")


class DamagedError(ValueError):
    """A file of a run does not hold what was written."""


class Trace:
    """The trace of one run: a row for each trial that ended, in the order in which they did.

    Beside it ``started.jsonl`` holds what was started: a trial in there without a row was running
    when the run stopped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started = path.with_name("started.jsonl")

    def load(self) -> list[dict[str, Any]]:
        """Read the rows; a torn last line (the run was killed) is cut off the file.

        Raises:
            DamagedError: a line is not the row of a trial, or that of one before, or one is missing
                of a trial that is not running.
        """
        return self.read()[0]

    def running(self) -> list[dict[str, Any]]:
        """What is known of the trials that were started and did not end, in the order of their
        numbers.

        Raises:
            DamagedError: as of ``load``.
        """
        return self.read()[1]

    def read(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What ``load`` and ``running`` return.

        Raises:
            DamagedError: as of ``load``.
        """
        rows, started = _load(self.path), _load(self._started)
        ended = {row["trial"] for row in rows}
        known = ended | {row["trial"] for row in started}
        for number in range(len(known)):
            if number not in known:
                raise DamagedError(f"{self.path}: the row of trial {number} is missing")
        return rows, [row for row in started if row["trial"] not in ended]

    def open(self) -> TraceWriter:
        """Open for appending; use in a ``with`` block."""
        return TraceWriter(self.path, self._started)


class TraceWriter:
    """Appends rows to a trace."""

    def __init__(self, path: Path, started: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # unbuffered: handed to the operating system at once, and nothing left over if it refuses
        self._file, self._started = path.open("ab", 0), started.open("ab", 0)

    def start(self, row: Mapping[str, Any]) -> None:
        """Write down that a trial was started."""
        _append(self._started, row)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write the row of a trial that ended, so that a killed process loses no finished trial."""
        _append(self._file, row)

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._started.close()


def _append(file: FileIO, row: Mapping[str, Any]) -> None:
    """Append a line as a whole: what a full disk takes of it is cut off again."""
    line = json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    end = file.seek(0, os.SEEK_END)
    try:
        written = file.write(line)
        if written < len(line):  # the disk filled up in the middle: the rest says why
            file.write(line[written:])
    except OSError:
        file.truncate(end)
        raise


def _load(path: Path) -> list[dict[str, Any]]:
    """The rows of a file; none if there is no such file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        with path.open("r+b") as file:
            file.truncate(whole)
    rows, seen = [], set()
    for number, line in enumerate(content[:whole].splitlines()):
        try:
            row = json.loads(line)
            new = isinstance(row["trial"], int) and row["trial"] not in seen
        except (ValueError, KeyError, TypeError):
            new = False
        if not new:
            raise DamagedError(f"{path}, line {number + 1}: not the row of another trial")
        seen.add(row["trial"])
        rows.append(row)
    return rows


def trial_of(row: Mapping[str, Any]) -> Trial:
    """What a method may know of a row."""
    loss = math.nan if row["loss"] is None else row["loss"]
    names = ("cost", "status", "note", "suggest_overhead")
    return Trial(row["trial"], row["config"], row["fidelity"], loss, *(row[n] for n in names))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file in one piece: readers see the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1, default=str) + "\n")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)  # a full disk is not to be made fuller
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file; an empty dict if there is none.

    Raises:
        DamagedError: it is not JSON.
    """
    if not path.exists():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise DamagedError(f"{path}: not JSON: {error}") from error
    return content
