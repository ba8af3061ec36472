"""Recorded costs made comparable: of busy cores, and of several machines."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from benchmarks.recorder.raw_rows import Key, Row

LOADED = 1.15  # slower than the idle reference by this factor: the cost is marked for re-timing
TIMED_AGAIN = 20.0
"""seconds: longer trainings are not timed again, since the core's speed is read while they run"""
CALIBRATIONS = 12
"""evaluations that are timed on every further CPU model, to compare it with the first"""
SHORTEST, LONGEST = 1.0, 30.0
"""seconds that one of them took on the first: shorter ones are mostly the call, not the training"""


def idle_references(rows: Sequence[Row]) -> dict[str, float]:
    """The idle figure of each CPU model, seconds: the 5th percentile of its reference timings
    (their minimum may be one lucky reading).
    """
    timings: dict[str, list[float]] = {}
    for row in rows:
        timings.setdefault(row.cpu, []).extend(row.references)
    return {cpu: float(np.quantile(values, 0.05)) for cpu, values in timings.items()}


def machine_factors(rows: Sequence[Row]) -> dict[str, float]:
    """What costs per reference timing of each CPU model are multiplied by.

    The reference kernel alone does not tell how much slower a training is on another CPU (between
    an Intel and an AMD it did within 5 %, for trainings of over a second). So some evaluations are
    timed on both: the factor is the median of their ratios, 1 for the first CPU and where none was
    timed on both.
    """
    ratios: dict[str, dict[Key, float]] = {row.cpu: {} for row in rows}
    for row in _least_disturbed(rows, idle_references(rows), per_cpu=True):
        if row.record["status"] == "ok" and row.record["cost"] >= SHORTEST:
            ratios[row.cpu][row.key] = np.log(row.record["cost"] / row.reference)
    first = ratios[rows[0].cpu] if rows else {}
    factors = {}
    for cpu, own in ratios.items():
        shared = [first[key] - own[key] for key in own if key in first]
        factors[cpu] = float(np.exp(np.median(shared))) if shared else 1.0
    return factors


def calibrations(rows: Sequence[Row], cpu: str, design: Collection[Key]) -> list[Key]:
    """Evaluations of the ``design`` to time on ``cpu``, too, before it records anything new.

    Of those that ended well on the first CPU within ``SHORTEST`` and ``LONGEST``, spread over their
    costs.
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
    known = [key for key in costs if key in design and key not in there]
    known.sort(key=lambda key: costs[key])
    if due <= 0 or not known:
        return []
    places = np.linspace(0, len(known) - 1, min(due, len(known))).round().astype(int)
    return [known[place] for place in places]


def best_rows(rows: Sequence[Row]) -> Iterator[tuple[Row, float, bool]]:
    """For each evaluation its row, normalised cost in seconds, and whether that is marked.

    Cost is normalised to the idle speed of the first machine recorded on. Of an evaluation timed
    more than once, the least disturbed timing that ended well counts; losses are the same by
    construction.
    """
    if not rows:
        return
    idle, factors = idle_references(rows), machine_factors(rows)
    base = idle[rows[0].cpu]
    for row in _least_disturbed(rows, idle, per_cpu=False):
        cost = row.record["cost"] * base / row.reference * factors[row.cpu]
        yield row, cost, row.reference / idle[row.cpu] > LOADED


def _least_disturbed(rows: Sequence[Row], idle: Mapping[str, float], *, per_cpu: bool) -> list[Row]:
    """Of every evaluation (on every CPU model) the row whose core was least slowed down."""
    chosen: dict[tuple[str, Key], Row] = {}

    def rank(row: Row) -> tuple[bool, float]:
        return row.record["status"] != "ok", row.reference / idle[row.cpu]

    for row in rows:
        name = (row.cpu if per_cpu else "", row.key)
        if name not in chosen or rank(row) < rank(chosen[name]):
            chosen[name] = row
    return list(chosen.values())
