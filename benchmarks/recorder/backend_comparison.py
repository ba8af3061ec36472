"""Compare trainings of another backend with a table: same config, fidelity and subset seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recorder import raw_rows, timed_alone
from benchmarks.recorder.cost_normalisation import best_rows, idle_references
from tasks.replay import table as tables


@dataclass(frozen=True)
class Comparison:
    """Comparison of the evaluations at one fidelity that both backends completed."""

    backend: str
    fidelity: float
    evaluations: int
    """number of evaluations compared"""
    largest: float
    """largest absolute difference of validation losses"""
    typical: float
    """median absolute difference of validation losses"""
    cost_ratio: float
    """median ratio of the other backend's cost to the table's"""


def compare_backends(table: tables.Table, recorded: Sequence[raw_rows.Row]) -> list[Comparison]:
    """Compare ``recorded`` rows with a table.

    Returns:
        One entry per fidelity, in rising order; empty if no evaluation is in both.
    """
    columns = table.columns
    row_of = {
        raw_rows.key_of(table.config(row), float(share), int(seed)): row
        for row, (share, seed) in enumerate(
            zip(columns["fidelity"], columns["subset_seed"], strict=True)
        )
        if np.isfinite(columns["loss"][row])
    }
    if not recorded:
        return []
    both = []
    factors, idle = table.meta["machine_factors"], table.meta["idle_reference_seconds"]
    first = idle[table.meta["sessions"][0]["machine"]["cpu"]]
    idle_there = idle_references(recorded)
    for row, cost, _ in best_rows(recorded):
        loss = row.record["loss"]
        if row.key in row_of and loss is not None:
            at = row_of[row.key]
            # convert from the idle speed of the recording's first CPU to that of the table's
            cost *= first / idle_there[recorded[0].cpu] * factors.get(recorded[0].cpu, 1.0)
            difference = abs(loss - float(columns["loss"][at]))
            both.append((row.record["fidelity"], difference, cost / float(columns["cost"][at])))
    comparisons = []
    for share in sorted({share for share, *_ in both}):
        differences, ratio = np.array([pair for s, *pair in both if s == share]).T
        comparisons.append(
            Comparison(
                str(recorded[0].session["identity"].get("backend")),
                share,
                len(differences),
                float(differences.max()),
                float(np.median(differences)),
                float(np.median(ratio)),
            )
        )
    return comparisons


def other_backends(table: Path) -> list[Path]:
    """Return the files of rows by other backends, ``rows/<table>.<backend>.jsonl``."""
    alone = timed_alone.path_of(Path(f"{table.stem}.jsonl")).name
    return sorted(p for p in table.parent.glob(f"rows/{table.stem}.*.jsonl") if p.name != alone)
