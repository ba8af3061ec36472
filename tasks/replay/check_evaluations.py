"""How far a table's interpolation is from trainings that it never saw: the held-out check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.replay import table as tables
from tasks.replay.evaluations import RecordedTask

GOOD = 2.0
"""a config is good if its loss at the target is below this many times the lowest one"""


@dataclass(frozen=True)
class Errors:
    """Errors of the logarithm, interpolated minus recorded, of one group of evaluations."""

    fidelity: float
    good: bool
    """of the good configs alone, not of all"""
    evaluations: int
    loss_median: float
    """of absolute errors of log loss, as the next; in nats"""
    loss_p90: float
    loss_mean: float
    """signed: above 0 the replay is too pessimistic"""
    cost_median: float
    """of absolute errors of log cost, as the next"""
    cost_p90: float
    cost_mean: float


def held_out_errors(table: tables.Table, task: RecordedTask) -> list[Errors]:
    """Errors per fidelity, of all held-out evaluations and of the good configs'; empty if none.

    ``task`` replays ``table``. A held-out config is good by its recorded loss at the target;
    without one it is not.
    """
    columns = table.columns
    rows = np.flatnonzero(columns["held_out"] & np.isfinite(columns["loss"]))
    assert task.best_loss is not None
    good_configs = {
        tuple(columns["config"][row])
        for row in rows
        if columns["fidelity"][row] == 1 and columns["loss"][row] < GOOD * task.best_loss
    }
    off = np.empty((len(rows), 2))
    for number, row in enumerate(rows):
        config = table.config(int(row))
        share, seed = float(columns["fidelity"][row]), int(columns["subset_seed"][row])
        seen = task.replay(config, share, seed)
        loss = max(float(columns["loss"][row]), task.loss_floor)
        off[number] = np.log(seen.loss / loss), np.log(seen.cost / columns["cost"][row])
    shares = columns["fidelity"][rows]
    good = np.array([tuple(columns["config"][row]) in good_configs for row in rows], dtype=bool)
    found = []
    for share in np.unique(shares):
        for only_good in (False, True):
            chosen = off[(shares == share) & (good | (not only_good))]
            if len(chosen):
                found.append(_errors(float(share), only_good, chosen))
    return found


def _errors(share: float, good: bool, off: NDArray[Any]) -> Errors:
    medians, p90s = np.quantile(abs(off), [0.5, 0.9], axis=0)
    (loss, cost), mean = zip(medians, p90s, strict=True), off.mean(axis=0)
    return Errors(share, good, len(off), *loss, mean[0], *cost, mean[1])
