"""Train recorded configs again, alone on the machine, and compare the normalised costs.

The recorder may share the machine with other work; its costs are normalised by the speed of the
core meanwhile. How far they are then from what an idle machine takes is measured here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np

from benchmarks.recorder import cost_normalisation as costs
from benchmarks.recorder.design import Evaluation
from benchmarks.recorder.raw_rows import Row


class AloneCheck(TypedDict):
    """Absolute log ratios of the costs of trainings timed alone to the recorded ones."""

    trainings: int
    median: float
    p90: float
    signed: float
    """median of the log ratio; if positive, the recorded costs are too low"""
    load: float | None
    """highest one-minute load average at the start of a training"""


def path_of(rows: Path) -> Path:
    """Return the file of rows timed alone, beside the file of recorded rows."""
    return rows.with_name(f"{rows.stem}.alone.jsonl")


def to_time_alone(recorded: Sequence[Row], count: int) -> list[Evaluation]:
    """Choose full trainings that ended well, one per config, spread evenly over their costs.

    Those of a second or more come first, since the clocks are coarse for shorter ones.

    Args:
        recorded: rows of the recording.
        count: number of configs; fewer are chosen if fewer are recorded.

    Raises:
        ValueError: no full training is recorded.
    """
    ended: dict[tuple[object, ...], tuple[Row, float]] = {}
    for row, cost, _ in costs.best_rows(recorded):
        if row.record["status"] == "ok" and row.record["fidelity"] == 1:
            ended.setdefault(row.key[0], (row, cost))
    if not ended:
        raise ValueError("no full training is recorded yet: there is none to time again")
    long = [pair for pair in ended.values() if pair[1] >= costs.SHORTEST]
    found = sorted(long if len(long) >= count else ended.values(), key=lambda pair: pair[1])
    places = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
    records = [found[place][0].record for place in places]
    return [Evaluation(r["config"], 1.0, r["subset_seed"], r["held_out"]) for r in records]


def compare(recorded: Sequence[Row], alone: Sequence[Row]) -> AloneCheck | None:
    """Compare normalised costs of the same trainings; None if no training is in both."""
    if not recorded or not alone:
        return None
    there = {row.key: cost for row, cost, _ in costs.best_rows(recorded)}
    idle = costs.idle_references([*recorded, *alone])
    factors = costs.machine_factors(recorded)
    base = idle[recorded[0].cpu]
    ratios, loads = [], []
    for row, *_ in costs.best_rows(alone):
        if row.record["status"] == "ok" and row.key in there:
            cost = row.record["cost"] * base / row.reference * factors.get(row.cpu, 1.0)
            ratios.append(np.log(cost / there[row.key]))
            loads.append(row.record.get("load"))
    if not ratios:
        return None
    off = np.abs(ratios)
    known = [load for load in loads if load is not None]
    return {
        "trainings": len(ratios),
        "median": round(float(np.median(off)), 4),
        "p90": round(float(np.quantile(off, 0.9)), 4),
        "signed": round(float(np.median(ratios)), 4),
        "load": round(max(known), 2) if known else None,
    }


def line(check: AloneCheck) -> str:
    """Return the line of a card on the residual error of costs."""
    load = "" if check["load"] is None else f" (load average {check['load']:g} at most)"
    return (
        f"- residual error of costs: {check['trainings']} recorded configs trained again, alone on "
        f"the machine{load}: absolute log ratio of the normalised costs {check['median']:.3f} in "
        f"the median, {check['p90']:.3f} at 90 %; signed median {check['signed']:+.3f}"
    )
