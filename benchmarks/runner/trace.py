"""The rows of a run: ``trace.jsonl``, and two files from which an interrupted run goes on."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import NamedTuple, TypeVar

from benchmarks.core.read_only import read_only
from benchmarks.core.records import EndedRow, StartedRow, TrialRow, checked, decode
from benchmarks.core.trial import Trial
from benchmarks.runner.files import replace_file, sync_folder

R = TypeVar("R", TrialRow, StartedRow, EndedRow)

# Clock readings: the rows of equal runs differ only in these fields (and, on live tasks, in the
# costs and info.wall, which are clock readings, too).
CLOCK_FIELDS = ("started", "ended", "suggest_overhead", "recommend_overhead")


class DamagedError(ValueError):
    """A file of a run is damaged."""


class Stored(NamedTuple):
    """What the files of a run hold."""

    rows: list[TrialRow]
    """trials with a row in the trace, in the order of their ends"""
    pending: list[tuple[StartedRow, EndedRow]]
    """trials that have ended, without a row in the trace yet; in the order of their ends"""
    running: list[StartedRow]
    """trials whose evaluation had not ended, in the order of their starts"""
    asked: int = 0
    """number of trials that had been started at the latest end; some starts may be lost"""

    @property
    def known(self) -> int:
        """Return the number of trials that the files hold."""
        return len(self.rows) + len(self.pending) + len(self.running)

    @property
    def lost(self) -> list[int]:
        """Return the numbers below the highest that no file has, after a power cut."""
        numbers = {row["trial"] for row in [*self.rows, *self.running]}
        numbers |= {started["trial"] for started, _ in self.pending}
        return [number for number in range(max(numbers, default=-1)) if number not in numbers]


class Trace:
    """The rows of one run.

    ``trace.jsonl`` has a row for each trial that ended, in the order of their ends; in the same
    folder, ``started.jsonl`` has a row for each trial that was started, and ``ended.jsonl`` what
    each evaluation returned. Each is written at the moment it names.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._started = path.with_name("started.jsonl")
        self._ended = path.with_name("ended.jsonl")

    def load(self) -> list[TrialRow]:
        """Read the rows of the trace; an incomplete last line is cut off the file.

        Raises:
            DamagedError: a line is not the row of a trial, or two rows have the same trial number.
        """
        return _load(self.path, TrialRow, unique=True)

    def read(self) -> Stored:
        """Read all files of the run.

        A power cut may have shortened each of them. A trial that was started after a trial whose
        end is lost was suggested from what is no longer known: unless it has ended, it is dropped.

        Raises:
            DamagedError: a line is not the row of a trial, or two rows of the trace have the same
                trial number.
        """
        rows = self.load()
        done = {row["trial"] for row in rows}
        started = {row["trial"]: row for row in self.started()}
        ended = {row["trial"]: row for row in _load(self._ended, EndedRow)}
        pending = [
            (started[number], row)
            for number, row in ended.items()
            if number not in done and number in started
        ]
        done |= {row["trial"] for row, _ in pending}
        running = [
            row
            for number, row in started.items()
            if number not in done and row.get("after", 0) <= len(done)
        ]
        asked = max((row["asked"] for row in ended.values()), default=0)
        return Stored(rows, pending, running, asked)

    def started(self) -> list[StartedRow]:
        """Read the rows of all trials that were started, in order; the latest of each number."""
        return list({row["trial"]: row for row in _load(self._started, StartedRow)}.values())

    def keep(self, stored: Stored, sync: bool = True) -> None:
        """Shorten the files to these trials.

        Args:
            stored: the trials.
            sync: as in ``open``.
        """
        started = self.started()
        numbers = {row["trial"] for row in [*stored.rows, *stored.running]}
        waiting = {row["trial"] for row, _ in stored.pending}
        over = waiting | {row["trial"] for row in stored.rows}
        ended = {row["trial"]: row for row in _load(self._ended, EndedRow)}
        ended |= {row["trial"]: row for _, row in stored.pending}
        # first, since it may get the ends that the trace loses
        _replace(self._ended, [row for number, row in ended.items() if number in over], sync)
        _replace(self._started, [row for row in started if row["trial"] in numbers | waiting], sync)
        _replace(self.path, stored.rows, sync)

    def forget_ended(self) -> None:
        """Delete ``ended.jsonl``: once a run has finished, the trace holds everything."""
        self._ended.unlink(missing_ok=True)

    def open(self, sync: bool = True) -> TraceWriter:
        """Open for appending; use in a ``with`` block.

        Args:
            sync: True waits until the disk holds each row: after a power cut no training is lost.
        """
        return TraceWriter((self.path, self._started, self._ended), sync)


class TraceWriter:
    """Appends rows to the files of a run; use in a ``with`` block."""

    def __init__(self, paths: tuple[Path, Path, Path], sync: bool) -> None:
        paths[0].parent.mkdir(parents=True, exist_ok=True)
        # Unbuffered: a row is written at once, and after a failed write nothing is left to flush.
        self._file, self._started, self._ended = (path.open("ab", 0) for path in paths)
        if sync:
            sync_folder(paths[0].parent)
        self._sync = sync
        self._lock = threading.Lock()  # evaluations may end in several threads at once

    def start(self, row: StartedRow) -> None:
        """Record that a trial is about to start."""
        self._append(self._started, row)

    def end(self, row: EndedRow) -> None:
        """Record what the evaluation of a trial returned."""
        self._append(self._ended, row)

    def append(self, row: TrialRow) -> None:
        """Append the row of an ended trial to the trace."""
        self._append(self._file, row)

    def __enter__(self) -> TraceWriter:
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._file, self._started, self._ended):
            file.close()

    def _append(self, file: FileIO, row: TrialRow | StartedRow | EndedRow) -> None:
        with self._lock:
            _append(file, row)
            if self._sync:
                os.fsync(file.fileno())


def _line(row: TrialRow | StartedRow | EndedRow) -> bytes:
    return json.dumps(row, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _append(file: FileIO, row: TrialRow | StartedRow | EndedRow) -> None:
    """Append one line, or nothing: a part written before the disk was full is cut off again."""
    line = _line(row)
    end = file.seek(0, os.SEEK_END)
    try:
        written = file.write(line)
        if written < len(line):  # short write (disk full): retry to raise the OSError
            file.write(line[written:])
    except OSError:
        file.truncate(end)
        raise


def _load(path: Path, schema: type[R], unique: bool = False) -> list[R]:
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
        if unique and row["trial"] in numbers:
            raise DamagedError(f"{path}, line {index + 1}: trial {row['trial']} is there twice")
        numbers.add(row["trial"])
        rows.append(row)
    return rows


def _replace(path: Path, rows: Sequence[TrialRow | StartedRow | EndedRow], sync: bool) -> None:
    """Replace a file atomically, unless it has as many rows as these."""
    lines = path.read_bytes().count(b"\n") if path.exists() else 0
    if lines != len(rows):
        replace_file(path, b"".join(map(_line, rows)), sync)


def ended_row(row: TrialRow, asked: int) -> EndedRow:
    """Return the row of ``ended.jsonl`` for a trial of the trace.

    Args:
        row: row of the trace.
        asked: number of trials that had been started.
    """
    names = ("trial", "status", "loss", "test_loss", "cost")
    rest = {"info": row.get("info", {}), "end": row.get("end", 0.0), "asked": asked}
    rest |= {"curve": row["curve"]} if "curve" in row else {}
    return checked({**{name: row[name] for name in names}, **rest}, EndedRow)  # type: ignore[literal-required]


def trial_of(row: TrialRow) -> Trial:
    """Return the trial of a row, as methods see it."""
    loss = math.nan if row["loss"] is None else row["loss"]
    config, note = read_only(row["config"]), read_only(row.get("note", {}))
    return Trial(
        row["trial"],
        config,
        row["fidelity"],
        loss,
        row["cost"],
        row["status"],
        note,
        row["suggest_overhead"],
        tuple(row.get("curve", ())),
    )
