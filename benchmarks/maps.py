"""Loss and cost of a recorded task over its two hyperparameters, as CSV for figures."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.recorded import RecordedTask

SHARES = (1 / 128, 1 / 16, 1 / 4, 1.0)
"""fidelities of the Fabolas paper's first figure (1/128, 1/16, 1/4, 1)"""
SIZE = 81
"""points along each axis: four per unit of the SVMs' box"""


def shares_to_map(task: RecordedTask) -> list[float]:
    """The paper's four fidelities or, where the lowest of them is not recorded, four others."""
    low = task.fidelities.low
    if low <= SHARES[0]:
        return list(SHARES)
    return [float(s) for s in np.geomspace(low, 1, len(SHARES))]


def write_maps(task: RecordedTask, target: Path, shares: Sequence[float] | None = None) -> Path:
    """Write the columns: both hyperparameters, fidelity, loss, cost in seconds.

    One row a point of a ``SIZE`` x ``SIZE`` grid and fidelity; of the lowest subset seed recorded
    there.

    Raises:
        ValueError: the task has not two hyperparameters.
    """
    names = task.space.names
    if len(names) != 2:
        raise ValueError(f"maps are of two hyperparameters, this task has {len(names)}")
    shares = shares_to_map(task) if shares is None else shares
    corners = [task.space.decode(np.full(2, end)) for end in (0.0, 1.0)]
    axes = [np.linspace(corners[0][n], corners[1][n], SIZE).round(9).tolist() for n in names]
    with target.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*names, "fidelity", "loss", "cost"])
        for share, *values in itertools.product(shares, *axes):
            config = dict(zip(names, values, strict=True))
            seen = task.replay(config, share, task.subset_seeds(share)[0])
            writer.writerow([*values, share, seen.loss, seen.cost])
    return target
