"""The files of a run: ``trace.jsonl`` (a row per ended trial), ``started.jsonl``, JSON files."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from benchmarks.core.trial import Trial

# Clock readings: the rows of equal runs differ only in these fields (and, on live tasks, in the
# costs and info.wall, which are clock readings, too).
CLOCK_FIELDS = ("started", "ended", "suggest_overhead", "recommend_overhead")


class DamagedError(ValueError):
    """A file of a run is damaged."""


class Trace:
    """The trace of one run: a row for each trial that ended, in the order of their ends.

    ``started.jsonl``, in the same folder, has a row for each trial that was started. A trial
    without a row in the trace was running when the run stopped.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started = path.with_name("started.jsonl")

    def load(self) -> list[dict[str, Any]]:
        """Read the rows; an incomplete last line, of a run that was killed, is cut off the file.

        Raises:
            DamagedError: a line is not the row of a trial, two rows have the same trial number, or
                the row of a trial that has ended is missing.
        """
        return self.read()[0]

    def running(self) -> list[dict[str, Any]]:
        """Read the rows of ``started.jsonl`` of the trials that have not ended, in file order.

        Raises:
            DamagedError: as for ``load``.
        """
        return self.read()[1]

    def read(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the results of ``load`` and of ``running``.

        Raises:
            DamagedError: as for ``load``.
        """
        rows, started = _load(self.path), _load(self._started)
        ended = {row["trial"] for row in rows}
        numbers = ended | {row["trial"] for row in started}
        for number in range(len(numbers)):
            if number not in numbers:
                raise DamagedError(f"{self.path}: the row of trial {number} is missing")
        return rows, [row for row in started if row["trial"] not in ended]

    def open(self) -> TraceWriter:
        """Open for appending; use in a ``with`` block."""
        return TraceWriter(self.path, self._started)


class TraceWriter:
    """Appends rows to the trace and to ``started.jsonl``; use in a ``with`` block."""

    def __init__(self, path: Path, started: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: a row is written at once, and after a failed write nothing is left to flush.
        self._file, self._started = path.open("ab", 0), started.open("ab", 0)

    def start(self, row: Mapping[str, Any]) -> None:
        """Record that a trial has started."""
        _append(self._started, row)

    def append(self, row: Mapping[str, Any]) -> None:
        """Write the row of an ended trial at once: a run that is killed loses no such trial."""
        _append(self._file, row)

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._started.close()


def _append(file: FileIO, row: Mapping[str, Any]) -> None:
    """Append one line, or nothing: a part written before the disk was full is cut off again."""
    line = json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    end = file.seek(0, os.SEEK_END)
    try:
        written = file.write(line)
        if written < len(line):  # short write (disk full): retry to raise the OSError
            file.write(line[written:])
    except OSError:
        file.truncate(end)
        raise


def _load(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a file; an empty list if there is no such file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with path.open("r+b") as file:
            file.truncate(complete)
    rows, numbers = [], set()
    for index, line in enumerate(content[:complete].splitlines()):
        try:
            row = json.loads(line)
            valid = isinstance(row["trial"], int) and row["trial"] not in numbers
        except (ValueError, KeyError, TypeError):
            valid = False
        if not valid:
            raise DamagedError(f"{path}, line {index + 1}: not the row of a trial, or a duplicate")
        numbers.add(row["trial"])
        rows.append(row)
    return rows


def trial_of(row: Mapping[str, Any]) -> Trial:
    """Return the trial of a row, as methods see it."""
    loss = math.nan if row["loss"] is None else row["loss"]
    names = ("cost", "status", "note", "suggest_overhead")
    return Trial(row["trial"], row["config"], row["fidelity"], loss, *(row[n] for n in names))


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a JSON file atomically: readers see the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1, default=str) + "\n")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)  # leave no partial file on a full disk
        raise


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file; return an empty dict if there is none.

    Raises:
        DamagedError: the file is not JSON.
    """
    if not path.exists():
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except ValueError as error:
        raise DamagedError(f"{path}: not JSON: {error}") from error
    return content
