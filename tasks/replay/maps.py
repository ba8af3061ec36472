"""Loss and cost of a recorded task over its two hyperparameters, as CSV for figures."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.replay.evaluations import RecordedTask

SHARES = (1 / 128, 1 / 16, 1 / 4, 1.0)
"""fidelities of the Fabolas paper's first figure (1/128, 1/16, 1/4, 1)"""
SIZE = 81
"""points along each axis: four per unit of the SVMs' box"""


def can_map(task: RecordedTask) -> bool:
    """True for two hyperparameters, both of them numbers."""
    return len(task.space.names) == 2 == task.space.width


def shares_to_map(task: RecordedTask) -> list[float]:
    """The paper's four fidelities or, where the lowest of them is not recorded, four others."""
    low = task.fidelities.low
    if low <= SHARES[0]:
        return list(SHARES)
    recorded = np.array(task.recorded_fidelities)
    near = [np.abs(np.log(recorded / s)).argmin() for s in np.geomspace(low, 1, len(SHARES))]
    return [float(s) for s in recorded[sorted(set(near))]]


def write_maps(
    task: RecordedTask, target: Path, shares: Sequence[float] | None = None, size: int = SIZE
) -> Path:
    """Write the columns: both hyperparameters, fidelity, loss and cost (seconds), to five digits.

    One row a point and fidelity, of the lowest subset seed recorded there. The points are a grid
    even in the unit cube (so in the logarithm, where that is what a hyperparameter varies in), of
    ``size`` values an axis or of all whole numbers if they are fewer.

    Raises:
        ValueError: the task has not two hyperparameters, both of them numbers.
    """
    if not can_map(task):
        raise ValueError(f"maps are of two numbers, this task has {task.space.names}")
    shares = shares_to_map(task) if shares is None else shares
    even = np.linspace(0, 1, size)
    axes = [
        list(dict.fromkeys(parameter.decode(np.array([u])) for u in even))
        for parameter in task.space.parameters.values()
    ]
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*task.space.names, "fidelity", "loss", "cost"])
        for share, *values in itertools.product(shares, *axes):
            config = dict(zip(task.space.names, values, strict=True))
            seen = task.replay(config, share, task.subset_seeds(share)[0])
            seen_there = [f"{value:.5g}" for value in (seen.loss, seen.cost)]
            writer.writerow([*values, share, *seen_there])
    return target
