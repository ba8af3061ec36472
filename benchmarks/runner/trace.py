"""The files of a run: ``trace.jsonl`` (a row per ended trial), ``started.jsonl``, JSON files."""

from __future__ import annotations

import json
import math
import os
from io import FileIO
from pathlib import Path
from typing import TypeVar

from benchmarks.core.records import RunMeta, StartedRow, TrialRow, decode
from benchmarks.core.trial import Trial

R = TypeVar("R", TrialRow, StartedRow)

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

    def load(self) -> list[TrialRow]:
        """Read the rows; an incomplete last line, of a run that was killed, is cut off the file.

        Raises:
            DamagedError: a line is not the row of a trial, two rows have the same trial number, or
                the row of a trial that has ended is missing.
        """
        return self.read()[0]

    def running(self) -> list[StartedRow]:
        """Read the rows of ``started.jsonl`` of the trials that have not ended, in file order.

        Raises:
            DamagedError: as for ``load``.
        """
        return self.read()[1]

    def read(self) -> tuple[list[TrialRow], list[StartedRow]]:
        """Return the results of ``load`` and of ``running``.

        Raises:
            DamagedError: as for ``load``.
        """
        rows, started = _load(self.path, TrialRow), _load(self._started, StartedRow)
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

    def start(self, row: StartedRow) -> None:
        """Record that a trial has started."""
        _append(self._started, row)

    def append(self, row: TrialRow) -> None:
        """Write the row of an ended trial at once: a run that is killed loses no such trial."""
        _append(self._file, row)

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._started.close()


def _append(file: FileIO, row: TrialRow | StartedRow) -> None:
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


def _load(path: Path, schema: type[R]) -> list[R]:
    """Read the rows of a file; an empty list if there is no such file."""
    if not path.exists():
        return []
    content = path.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with path.open("r+b") as file:
            file.truncate(complete)
    rows: list[R] = []
    numbers: set[int] = set()
    for index, line in enumerate(content[:complete].splitlines()):
        try:
            row = decode(line, schema)
        except ValueError as error:
            problem = f"line {index + 1}: not the row of a trial: {error}"
            raise DamagedError(f"{path}, {problem}") from None
        if row["trial"] in numbers:
            raise DamagedError(f"{path}, line {index + 1}: trial {row['trial']} is there twice")
        numbers.add(row["trial"])
        rows.append(row)
    return rows


def trial_of(row: TrialRow) -> Trial:
    """Return the trial of a row, as methods see it."""
    loss = math.nan if row["loss"] is None else row["loss"]
    return Trial(
        row["trial"],
        row["config"],
        row["fidelity"],
        loss,
        row["cost"],
        row["status"],
        row.get("note", {}),
        row["suggest_overhead"],
    )


def write_meta(path: Path, content: RunMeta) -> None:
    """Replace ``meta.json`` atomically: readers see the old content or the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    try:
        temporary.write_text(json.dumps(content, indent=1, default=str) + "\n")
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)  # leave no partial file on a full disk
        raise


def read_meta(path: Path) -> RunMeta | None:
    """Read ``meta.json``; return None if there is none.

    Raises:
        DamagedError: the file is not the metadata of a run.
    """
    if not path.exists():
        return None
    try:
        return decode(path.read_bytes(), RunMeta)
    except ValueError as error:
        raise DamagedError(f"{path}: not the metadata of a run: {error}") from error
