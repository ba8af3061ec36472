"""Normalise recorded costs, so that those of busy cores and other machines are comparable."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from benchmarks.recorder.raw_rows import Key, Row

LOADED = 1.15
"""a cost is marked for re-timing if the core was slower than idle by more than this factor"""
TIMED_AGAIN = 20.0
"""seconds; longer trainings are not timed again, as the speed is measured while they run"""
CALIBRATIONS = 12
"""evaluations that are repeated on each further CPU model, to compare it with the first"""
SHORTEST, LONGEST = 1.0, 30.0
"""range of their cost on the first CPU, in seconds; below it, call overhead dominates"""


def idle_references(rows: Sequence[Row]) -> dict[str, float]:
    """Return the seconds of the reference kernel on an idle core of each CPU model.

    This is the 5th percentile of its timings, since the minimum may be an outlier.
    """
    timings: dict[str, list[float]] = {}
    for row in rows:
        timings.setdefault(row.cpu, []).extend(row.references)
    return {cpu: float(np.quantile(values, 0.05)) for cpu, values in timings.items()}


def machine_factors(rows: Sequence[Row]) -> dict[str, float]:
    """Return factors that convert costs on each CPU model, per reference timing, to the first CPU.

    The reference kernel alone does not predict how much slower a training is on another CPU
    (between an Intel and an AMD CPU it did within 5 %, for trainings of over a second). So some
    evaluations are timed on both CPUs. The factor is the median ratio of their costs per reference
    timing; it is 1 for the first CPU and for CPUs without common evaluations.
    """
    ratios: dict[str, dict[Key, float]] = {row.cpu: {} for row in rows}
    for row in _least_disturbed(rows, idle_references(rows), per_cpu=True):
        if row.record["status"] == "ok" and row.record["cost"] >= SHORTEST:
            ratios[row.cpu][row.key] = np.log(row.record["cost"] / row.reference)
    first = ratios[rows[0].cpu] if rows else {}
    factors = {}
    for cpu, here in ratios.items():
        shared = [first[key] - here[key] for key in here if key in first]
        factors[cpu] = float(np.exp(np.median(shared))) if shared else 1.0
    return factors


def calibrations(rows: Sequence[Row], cpu: str, design: Collection[Key]) -> list[Key]:
    """Return the evaluations of a design to repeat on ``cpu`` before it records new ones.

    They are chosen among those that succeeded on the first CPU at a cost between ``SHORTEST`` and
    ``LONGEST``, and spread evenly over these costs.
    """
    if not rows or rows[0].cpu == cpu:
        return []
    ended = [row for row in rows if row.record["status"] == "ok"]
    there = {row.key for row in ended if row.cpu == cpu}
    costs = {
        row.key: row.record["cost"]
        for row in ended
        if row.cpu == rows[0].cpu and SHORTEST <= row.record["cost"] <= LONGEST
    }
    due = CALIBRATIONS - len(there & costs.keys())
    candidates = [key for key in costs if key in design and key not in there]
    candidates.sort(key=lambda key: costs[key])
    if due <= 0 or not candidates:
        return []
    indices = np.linspace(0, len(candidates) - 1, min(due, len(candidates))).round().astype(int)
    return [candidates[index] for index in indices]


def best_rows(rows: Sequence[Row]) -> Iterator[tuple[Row, float, bool]]:
    """Yield row, normalised cost in seconds, and whether the cost is marked, per evaluation.

    Costs are normalised to the idle speed of the first machine. For an evaluation timed more than
    once, the successful row with the least slowed core is used; losses are equal by construction.
    """
    if not rows:
        return
    idle, factors = idle_references(rows), machine_factors(rows)
    base = idle[rows[0].cpu]
    for row in _least_disturbed(rows, idle, per_cpu=False):
        cost = row.record["cost"] * base / row.reference * factors[row.cpu]
        yield row, cost, row.reference / idle[row.cpu] > LOADED


def _least_disturbed(rows: Sequence[Row], idle: Mapping[str, float], *, per_cpu: bool) -> list[Row]:
    """Return, per evaluation (and CPU model), the row whose core was least slowed."""
    chosen: dict[tuple[str, Key], Row] = {}

    def rank(row: Row) -> tuple[bool, float]:
        return row.record["status"] != "ok", row.reference / idle[row.cpu]

    for row in rows:
        name = (row.cpu if per_cpu else "", row.key)
        if name not in chosen or rank(row) < rank(chosen[name]):
            chosen[name] = row
    return list(chosen.values())
