"""Errors of a table's interpolation on held-out configs, which it does not use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.arrays import Array
from tasks.replay import table as tables
from tasks.replay.evaluations import RecordedTask

GOOD = 2.0
"""a config is good if its loss at the target is below this multiple of the lowest loss"""


@dataclass(frozen=True)
class Errors:
    """Errors of log loss and log cost, interpolated minus recorded, in one group; in nats."""

    fidelity: float
    good: bool
    """True if the group is the good configs only, not all configs"""
    evaluations: int
    """size of the group"""
    loss_median: float
    """median of the absolute error of log loss"""
    loss_p90: float
    """90th percentile of the absolute error of log loss"""
    loss_mean: float
    """mean error of log loss; if positive, the replayed losses are too high"""
    cost_median: float
    """median of the absolute error of log cost"""
    cost_p90: float
    """90th percentile of the absolute error of log cost"""
    cost_mean: float
    """mean error of log cost"""


def held_out_errors(table: tables.Table, task: RecordedTask) -> list[Errors]:
    """Return the errors per fidelity, over all held-out evaluations and over good configs only.

    A held-out config is good by its recorded loss at the target; without one it is not.

    Args:
        table: the recording.
        task: replay of ``table``.

    Returns:
        One entry per non-empty group, by rising fidelity; empty if nothing is held out.
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
        replayed = task.replay(config, share, seed)
        loss = max(float(columns["loss"][row]), task.loss_floor)
        off[number] = np.log(replayed.loss / loss), np.log(replayed.cost / columns["cost"][row])
    shares = columns["fidelity"][rows]
    good = np.array([tuple(columns["config"][row]) in good_configs for row in rows], dtype=bool)
    results = []
    for share in np.unique(shares):
        for only_good in (False, True):
            chosen = off[(shares == share) & (good | (not only_good))]
            if len(chosen):
                results.append(_errors(float(share), only_good, chosen))
    return results


def at_target(table: tables.Table, task: RecordedTask) -> tuple[Array, Array]:
    """Return recorded and replayed losses at the target of all held-out configs.

    Recorded ones are means over subset seeds.
    """
    columns = table.columns
    rows = columns["held_out"] & (columns["fidelity"] == 1) & np.isfinite(columns["loss"])
    recorded, replayed = [], []
    for numbers in np.unique(columns["config"][rows], axis=0):
        same = rows & (columns["config"] == numbers).all(axis=1)
        recorded.append(float(columns["loss"][same].mean()))
        replayed.append(task.truth(table.space.from_numbers(numbers)).loss)
    return np.array(recorded), np.array(replayed, dtype=float)


def _errors(share: float, good: bool, off: NDArray[Any]) -> Errors:
    medians, p90s = np.quantile(abs(off), [0.5, 0.9], axis=0)
    (loss, cost), mean = zip(medians, p90s, strict=True), off.mean(axis=0)
    return Errors(share, good, len(off), *loss, mean[0], *cost, mean[1])
