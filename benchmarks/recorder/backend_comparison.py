"""How another backend's trainings agree with a table's: same config, fidelity and subset seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recorder import raw_rows
from benchmarks.recorder.cost_normalisation import best_rows, idle_references
from tasks.replay import table as tables


@dataclass(frozen=True)
class Agreement:
    """Of the evaluations of one fidelity that both made and that ended well."""

    backend: str
    fidelity: float
    evaluations: int
    largest: float
    """largest absolute difference of the validation losses"""
    typical: float
    """median absolute difference"""
    cost_ratio: float
    """median cost of the other backend's training over that of the table's"""


def agreements(table: tables.Table, recorded: Sequence[raw_rows.Row]) -> list[Agreement]:
    """One entry a fidelity, in rising order; empty if nothing was evaluated by both."""
    columns = table.columns
    place = {
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
    own = idle_references(recorded)
    for row, cost, _ in best_rows(recorded):
        if row.key in place and row.record["status"] == "ok":
            at = place[row.key]
            # from the idle speed of the other recording's first machine to that of the table's
            cost *= first / own[recorded[0].cpu] * factors.get(recorded[0].cpu, 1.0)
            apart = abs(row.record["loss"] - float(columns["loss"][at]))
            both.append((row.record["fidelity"], apart, cost / float(columns["cost"][at])))
    found = []
    for share in sorted({share for share, *_ in both}):
        apart, ratio = np.array([pair for s, *pair in both if s == share]).T
        found.append(
            Agreement(
                str(recorded[0].session["identity"].get("backend")),
                share,
                len(apart),
                float(apart.max()),
                float(np.median(apart)),
                float(np.median(ratio)),
            )
        )
    return found


def other_backends(table: Path) -> list[Path]:
    """The rows of other backends: ``rows/<table>.<backend>.jsonl`` beside a table."""
    return sorted(table.parent.glob(f"rows/{table.stem}.*.jsonl"))
