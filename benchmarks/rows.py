"""The recorder's raw rows: JSON Lines, append-only, safe against ``kill -9``.

Two kinds of line. ``{"session": {...}}`` opens each run of the recorder: what is trained, with
which versions, on which machine. Every other line is one evaluation made in the session above it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.core.space import Config

LOADED = 1.15  # slower than the idle reference by this factor: the cost is marked for re-timing
Key = tuple[tuple[Any, ...], float, int]


def key_of(config: Config, fidelity: float, subset_seed: int) -> Key:
    """What identifies an evaluation, whatever the order of the config's names."""
    return tuple(config[name] for name in sorted(config)), fidelity, subset_seed


@dataclass(frozen=True)
class Row:
    """One recorded evaluation; ``facts`` is the JSON line, ``session`` the one it belongs to."""

    facts: Mapping[str, Any]
    session: Mapping[str, Any]

    @property
    def key(self) -> Key:
        return key_of(self.facts["config"], self.facts["fidelity"], self.facts["subset_seed"])

    @property
    def reference(self) -> float:
        """Seconds of the reference kernel around the evaluation: mean of before and after."""
        before, after = self.facts["reference_before"], self.facts["reference_after"]
        return float((before + after) / 2)


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
            facts = json.loads(line)
        except ValueError:
            raise ValueError(f"{path}, line {number}: not a row of the recorder") from None
        if not isinstance(facts, dict):
            raise ValueError(f"{path}, line {number}: not a row of the recorder")
        if "session" in facts:
            session = facts["session"]
        elif session is None:
            raise ValueError(f"{path}, line {number}: a row before any session line")
        else:
            rows.append(Row(facts, session))
    return rows


def append(path: Path, facts: Mapping[str, Any]) -> None:
    """Append one line and push it to the disk; cuts a torn last line first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(max(0, size - 65536))
            tail = file.read()
            if not tail.endswith(b"\n"):
                file.truncate(size - len(tail) + tail.rfind(b"\n") + 1)
        file.write(json.dumps(facts, separators=(",", ":")).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def idle_references(rows: list[Row]) -> dict[str, float]:
    """The idle figure of each CPU model, seconds: the 5th percentile of its reference timings
    (their minimum may be one lucky reading).
    """
    timings: dict[str, list[float]] = {}
    for row in rows:
        both = (row.facts["reference_before"], row.facts["reference_after"])
        timings.setdefault(row.session["machine"]["cpu"], []).extend(both)
    return {cpu: float(np.quantile(values, 0.05)) for cpu, values in timings.items()}


def best_rows(rows: list[Row]) -> Iterator[tuple[Row, float, bool]]:
    """For each evaluation its row, normalised cost in seconds, and whether that is marked.

    Cost is normalised to the idle speed of the first machine recorded on. Of an evaluation timed
    more than once, the least disturbed timing that ended well counts; losses are the same by
    construction.
    """
    idle = idle_references(rows)
    if not rows:
        return
    base = idle[rows[0].session["machine"]["cpu"]]
    chosen: dict[Key, Row] = {}

    def slowdown(row: Row) -> float:
        return row.reference / idle[row.session["machine"]["cpu"]]

    def rank(row: Row) -> tuple[bool, float]:
        return row.facts["status"] != "ok", slowdown(row)

    for row in rows:
        if row.key not in chosen or rank(row) < rank(chosen[row.key]):
            chosen[row.key] = row
    for row in chosen.values():
        yield row, row.facts["cost"] * base / row.reference, slowdown(row) > LOADED
