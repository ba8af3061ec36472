"""Raw rows of the recorder: append-only JSON Lines, safe against ``kill -9``.

There are two kinds of lines. ``{"session": {...}}`` opens each run of the recorder and describes
task, library versions and machine. Each other line is an evaluation of the session above it.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core import records
from benchmarks.core.records import RecordedRow, Session, SessionLine
from benchmarks.core.space import Config
from benchmarks.provenance import ROOT
from benchmarks.settings import RecordSettings

TABLES = ROOT / "tasks" / "tables"
Key = tuple[tuple[Any, ...], float, int]


def path_of(settings: RecordSettings) -> Path:
    """Return the file of rows for the settings of a recorder."""
    return Path(settings.rows or TABLES / "rows" / f"{settings.task.name}.jsonl")


def key_of(config: Config, fidelity: float, subset_seed: int) -> Key:
    """Return the key of an evaluation; it does not depend on the order of the config's names."""
    return tuple(config[name] for name in sorted(config)), fidelity, subset_seed


@dataclass(frozen=True)
class Row:
    """One recorded evaluation: its JSON line, and that of its session."""

    record: RecordedRow
    session: Session

    @property
    def key(self) -> Key:
        return key_of(self.record["config"], self.record["fidelity"], self.record["subset_seed"])

    @property
    def references(self) -> list[float]:
        """Return the seconds of the reference kernel before, during and after the evaluation."""
        between = self.record.get("references", [])
        return [self.record["reference_before"], *between, self.record["reference_after"]]

    @property
    def reference(self) -> float:
        """Return the mean of ``references``, seconds."""
        return float(np.mean(self.references))

    @property
    def cpu(self) -> str:
        """Return the model of the CPU that ran the evaluation."""
        return str(self.session["machine"]["cpu"])


def read(path: Path) -> list[Row]:
    """Read all rows; none if the file is missing.

    An incomplete last line, left by a killed recorder, is dropped.

    Raises:
        ValueError: a complete line does not have the fields and types of a row, or a row precedes
            the first session.
    """
    rows, session = [], None
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line or number == len(lines):  # incomplete after the last newline
            continue
        try:
            if line.startswith(b'{"session"'):
                session = records.decode(line, SessionLine)["session"]
                continue
            record = records.decode(line, RecordedRow)
        except ValueError as error:
            raise ValueError(f"{path}, line {number}: not a row of the recorder: {error}") from None
        if session is None:
            raise ValueError(f"{path}, line {number}: a row before any session line")
        rows.append(Row(record, session))
    return rows


def append(path: Path, record: RecordedRow | SessionLine) -> None:
    """Append one line and flush it to disk, after removing an incomplete last line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(max(0, size - 65536))
            tail = file.read()
            if not tail.endswith(b"\n"):
                file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)
        file.write(json.dumps(record, separators=(",", ":")).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
