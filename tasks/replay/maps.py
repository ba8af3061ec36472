"""Write loss and cost of a recorded task over its two hyperparameters, as CSV for figures."""

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
"""points along each axis: four per unit in the SVMs' search space"""


def can_map(task: RecordedTask) -> bool:
    """Return whether the task has exactly two hyperparameters, both numeric."""
    return len(task.space.names) == 2 == task.space.width


def shares_to_map(task: RecordedTask) -> list[float]:
    """Return the paper's four fidelities or, if the lowest is not recorded, up to four others."""
    low = task.fidelities.low
    if low <= SHARES[0]:
        return list(SHARES)
    recorded = np.array(task.recorded_fidelities)
    near = [np.abs(np.log(recorded / s)).argmin() for s in np.geomspace(low, 1, len(SHARES))]
    return [float(s) for s in recorded[sorted(set(near))]]


def write_maps(
    task: RecordedTask, target: Path, shares: Sequence[float] | None = None, size: int = SIZE
) -> Path:
    """Write a CSV with both hyperparameters, fidelity, loss and cost (seconds), to five digits.

    There is one row per grid point and fidelity, for the lowest subset seed recorded there. The
    grid is equidistant in the unit cube (so in the logarithm, for hyperparameters on a log scale).

    Args:
        task: the recorded task.
        target: path of the file.
        shares: fidelities; None is ``shares_to_map``.
        size: grid points per axis; fewer if the hyperparameter has fewer values.

    Returns:
        ``target``.

    Raises:
        ValueError: the task does not have exactly two hyperparameters, both numeric.
    """
    if not can_map(task):
        raise ValueError(f"maps need two numeric hyperparameters, this task has {task.space.names}")
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
            replayed = task.replay(config, share, task.subset_seeds(share)[0])
            results = [f"{value:.5g}" for value in (replayed.loss, replayed.cost)]
            writer.writerow([*values, share, *results])
    return target
