"""The recorder's raw rows: JSON Lines, append-only, safe against ``kill -9``.

Two kinds of line. ``{"session": {...}}`` opens each run of the recorder: what is trained, with
which versions, on which machine. Every other line is one evaluation made in the session above it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.space import Config
from benchmarks.provenance import ROOT

TABLES = ROOT / "tasks" / "tables"
Key = tuple[tuple[Any, ...], float, int]


def path_of(settings: Mapping[str, Any]) -> Path:
    """The file of rows of a recorder with these settings."""
    return Path(settings["rows"] or TABLES / "rows" / f"{settings['task']['name']}.jsonl")


def key_of(config: Config, fidelity: float, subset_seed: int) -> Key:
    """What identifies an evaluation, whatever the order of the config's names."""
    return tuple(config[name] for name in sorted(config)), fidelity, subset_seed


@dataclass(frozen=True)
class Row:
    """One recorded evaluation; ``record`` is the JSON line, ``session`` the one it belongs to."""

    record: Mapping[str, Any]
    session: Mapping[str, Any]

    @property
    def key(self) -> Key:
        return key_of(self.record["config"], self.record["fidelity"], self.record["subset_seed"])

    @property
    def references(self) -> list[float]:
        """Seconds of the reference kernel before the evaluation, while it ran, and after it."""
        between = self.record.get("references", [])
        return [self.record["reference_before"], *between, self.record["reference_after"]]

    @property
    def reference(self) -> float:
        """Mean of ``references``, seconds."""
        return float(np.mean(self.references))

    @property
    def cpu(self) -> str:
        """Model of the CPU that it ran on."""
        return str(self.session["machine"]["cpu"])


def read(path: Path) -> list[Row]:
    """Read all rows; a torn last line (the recorder was killed) is dropped.

    Raises:
        ValueError: a line other than the last is not JSON, or a row comes before any session.
    """
    rows, session = [], None
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for number, line in enumerate(lines, start=1):
        if not line or number == len(lines):  # what follows the last newline is torn
            continue
        try:
            record = json.loads(line)
        except ValueError:
            raise ValueError(f"{path}, line {number}: not a row of the recorder") from None
        if not isinstance(record, dict):
            raise ValueError(f"{path}, line {number}: not a row of the recorder")
        if "session" in record:
            session = record["session"]
        elif session is None:
            raise ValueError(f"{path}, line {number}: a row before any session line")
        else:
            rows.append(Row(record, session))
    return rows


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Append one line and push it to the disk; cuts a torn last line first."""
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
