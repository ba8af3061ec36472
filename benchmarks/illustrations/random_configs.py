"""Write the true losses of random configs of a task: what tuning results are compared to.

One CSV per task (``rank``, ``loss``) holds the lowest losses one by one and the others in steps of
one percent of the rank; ``summary.csv`` has a line per task.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.core.protocols import Task

COUNT = 100_000
"""configs that are drawn"""
SEED = 20190318
GOOD = 0.1
"""share of the configs, by loss, that count as good"""
STEP = 0.01
SUMMARY = "summary.csv"
COLUMNS = (
    "task", "table", "surrogate", "configs", "best_loss", "resolution", "target_cost", "good_cost",
    "untuned", "untuned_loss", "untuned_test_loss", "untuned_k",
)  # fmt: skip


def write_random_configs(name: str, task: Task, folder: Path, count: int = COUNT) -> list[Path]:
    """Draw configs uniformly from the task's space and write what is true of them.

    Configs without a true loss (their trainings diverge) rank behind all others.

    Args:
        name: name of the task.
        task: a task that knows what is true of its configs, and its best loss.
        folder: the destination; created if it does not exist.
        count: number of configs.

    Returns:
        The paths of both files.

    Raises:
        ValueError: the task does not know the true loss or cost of any config, or its best loss.
    """
    rng = np.random.default_rng(SEED)
    truths = [task.truth(task.space.sample(rng)) for _ in range(count)]
    known = [truth for truth in truths if truth.loss is not None and truth.cost is not None]
    if not known or task.best_loss is None:
        raise ValueError(f"task={name}: the true losses and costs of its configs are not known")
    sign = -1.0 if task.maximise else 1.0
    losses = sign * np.array([truth.loss for truth in known], dtype=float)
    costs = np.array([truth.cost for truth in known], dtype=float)
    order = np.argsort(losses, kind="stable")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{name}.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("rank", "loss"))
        writer.writerows(
            (rank, repr(float(losses[order[rank - 1]]))) for rank in _ranks(len(known))
        )
    good = order[: max(1, round(GOOD * count))]
    identity = task.identity
    row = (
        name,
        str(identity.get("table") or "none"),
        str(identity.get("surrogate") or "none"),
        count,
        repr(sign * float(task.best_loss)),
        repr(float(task.resolution or 0.0)),
        f"{task.target_cost or np.median(costs):.6g}",
        f"{task.good_cost or np.median(costs[good]):.6g}",
        *_untuned(task, sign, losses, count),
    )
    _replace(folder / SUMMARY, row)
    return [folder / f"{name}.csv", folder / SUMMARY]


def _untuned(
    task: Task, sign: float, losses: NDArray[np.float64], count: int
) -> tuple[str, str, str, str]:
    """Return name, loss, test loss and K of the better one of the task's untuned configs.

    Empty texts where the task names none.
    """
    truths = {name: task.truth(each["config"]) for name, each in task.baselines.items()}
    known = {name: sign * truth.loss for name, truth in truths.items() if truth.loss is not None}
    if not known:
        return "", "", "", ""
    name = min(known, key=lambda each: known[each])
    better = max(1, int((losses <= known[name] + (task.resolution or 0.0)).sum()))
    test = truths[name].test_loss
    return (
        name,
        f"{known[name]:.6g}",
        "" if test is None else f"{sign * test:.6g}",
        f"{count / better:.4g}",
    )


def _ranks(count: int) -> list[int]:
    """Return the ranks to write, rising, from 1 to ``count``."""
    ranks = [1]
    while ranks[-1] < count:
        ranks.append(min(count, ranks[-1] + max(1, math.floor(STEP * ranks[-1]))))
    return ranks


def _replace(path: Path, row: tuple[object, ...]) -> None:
    """Write a line of the summary in place of that of the same task."""
    rows: dict[str, list[str]] = {}
    if path.exists():
        with path.open(newline="") as file:
            rows = {each[0]: each for each in list(csv.reader(file))[1:]}
    rows[str(row[0])] = [str(value) for value in row]
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows[name] for name in sorted(rows))
